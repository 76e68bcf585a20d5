"""photo files -> decoded photos, with advice

What can be told without knowing where the product is; `segment` tells the rest.
"""

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from assets_pipeline.asset import Advice, Asset, Photo, PhotoFile, StageRecord, View, frozen
from assets_pipeline.errors import InputRejected
from assets_pipeline.formats.photos import DecodedPhoto, decode_photo

MAX_PHOTO_BYTES = 64_000_000
MAX_PHOTO_PIXELS = 89_000_000
GOOD_SIDE, POOR_SIDE = 1024, 512
STRAIGHT_DOWN_DEGREES = 70.0

NOTES = {
    "first_frame_only": "The file holds several pictures: only the first one is used.",
    "color_profile_ignored": "The photo's colour profile is damaged: colours may be a little off.",
}


@dataclass(frozen=True)
class Inspect:
    """Decode each photo, upright, in sRGB, at most `working_side` pixels long; see `inspect_photo`."""

    max_bytes: int = MAX_PHOTO_BYTES
    max_pixels: int = MAX_PHOTO_PIXELS
    working_side: int = 2048

    def __call__(self, asset: Asset) -> Asset:
        assert asset.photo_files, "the command and the service ask for a photo"
        photos, advice = [], list(asset.advice)
        for file in asset.photo_files:
            try:
                photo, remarks = self.inspect(file)
            except InputRejected as error:
                raise InputRejected(error.code, error.advice, photo=file.name) from None
            photos.append(photo)
            advice += remarks
        advice += repeated(photos)
        counts = {"photos": len(photos), "pixels": sum(photo.pixels.size // 3 for photo in photos)}
        record = StageRecord(repr(self), counts)
        return replace(asset, photos=tuple(photos), advice=tuple(advice), provenance=(*asset.provenance, record))

    def inspect(self, file: PhotoFile) -> tuple[Photo, list[Advice]]:
        if len(file.data) > self.max_bytes:
            raise too_large(len(file.data), self.max_bytes)
        return inspect_photo(file, max_pixels=self.max_pixels, working_side=self.working_side)


def read_photo_file(path: Path, view: View | None = None, *, max_bytes: int = MAX_PHOTO_BYTES) -> PhotoFile:
    """A photo's bytes from the disk. Never waits for a pipe and never reads more than `max_bytes`.

    Raises InputRejected.
    """
    name = os.fsencode(path.name).decode("utf-8", "replace")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise unreadable(error, name) from None
    try:
        size = size_of_file(handle, name)
        with os.fdopen(os.dup(handle), "rb") as stream:
            data = stream.read(max_bytes + 1)
    except OSError as error:
        raise unreadable(error, name) from None
    finally:
        os.close(handle)
    if not data:
        raise InputRejected("photo_empty", "The file is empty: copy or upload the photo once more.", photo=name)
    if len(data) > max_bytes:
        raise too_large(size, max_bytes, name)
    return PhotoFile(name, data, view)


def size_of_file(handle: int, name: str) -> int:
    """Bytes of an open plain file. Raises InputRejected when it is anything else."""
    status = os.fstat(handle)
    if stat.S_ISDIR(status.st_mode):
        raise InputRejected("photo_is_directory", "This is a folder: name the photo inside it.", photo=name)
    if not stat.S_ISREG(status.st_mode):
        raise InputRejected("photo_not_a_file", "This is a device or a pipe, not a photo.", photo=name)
    return status.st_size


def inspect_photo(file: PhotoFile, *, max_pixels: int, working_side: int) -> tuple[Photo, list[Advice]]:
    """The decoded photo, and what a shopkeeper should know about it. Raises InputRejected."""
    if not file.data:
        raise InputRejected("photo_empty", "The file is empty: copy or upload the photo once more.")
    decoded = decode_photo(file.data, max_pixels=max_pixels, working_side=working_side)
    photo = Photo(
        name=file.name,
        pixels=frozen(decoded.pixels),
        alpha=None if decoded.alpha is None else frozen(decoded.alpha),
        sha256=sha256(file.data).hexdigest(),
        original_size=decoded.original_size,
        focal_px=decoded.focal_px,
        view=file.view,
        bytes=len(file.data),
    )
    return photo, advise(photo, decoded)


def advise(photo: Photo, decoded: DecodedPhoto) -> list[Advice]:
    """What size, header and colours say."""
    found = [Advice(code, NOTES[code], "note", photo.name) for code in decoded.notes]
    longest = max(photo.original_size)
    if longest < GOOD_SIDE:
        text = f"The photo is only {longest} pixels long: from {GOOD_SIDE} on, small print and edges come out sharp."
        found.append(Advice("low_resolution", text, "usable" if longest >= POOR_SIDE else "retake", photo.name))
    if decoded.tilt is not None and decoded.tilt > STRAIGHT_DOWN_DEGREES and photo.view is not View.TOP:
        found.append(from_above(photo.name, "usable"))
    return found


def from_above(name: str, level: str) -> Advice:
    """For a photo that hides the product's height."""
    text = "The photo seems taken from straight above: hold the camera level with the product, or a little higher."
    return Advice("seen_from_above", text, level, name)


def repeated(photos: Sequence[Photo]) -> list[Advice]:
    """A note for each photo that was handed in before."""
    text = "The same photo was given more than once: another side of the product would add something."
    seen: set[str] = set()
    found = []
    for photo in photos:
        if photo.sha256 in seen:
            found.append(Advice("photo_repeated", text, "note", photo.name))
        seen.add(photo.sha256)
    return found


def unreadable(error: OSError | ValueError, name: str) -> InputRejected:
    """What the disk's refusal means for the merchant."""
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, None):
        return InputRejected("photo_missing", "There is no such photo: check its name and folder.", photo=name)
    return InputRejected("photo_unreadable", "The photo may not be read: check its permissions.", photo=name)


def too_large(size: int, most: int, name: str = "") -> InputRejected:
    """For a file of `size` bytes where `most` are taken."""
    megabytes, limit = size / 1e6, most / 1e6
    text = f"The file has {megabytes:.0f} MB, {limit:.0f} MB at most: save the photo as a JPEG of up to 4000 pixels."
    return InputRejected("photo_too_large", text, photo=name)
