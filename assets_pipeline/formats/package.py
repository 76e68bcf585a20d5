"""files <-> bytes of a USDZ package: a zip that a renderer can map into memory

Spec: https://openusd.org/release/spec_usdz.html (stored entries, data on multiples of 64 bytes, a layer first)
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

ALIGNMENT = 64
PADDING_FIELD = 0x1986
"""Private extra field that Pixar's own writer pads with."""

LOCAL, CENTRAL, END = 0x04034B50, 0x02014B50, 0x06054B50
DATE_1980_01_01 = 0x21
UTF8_NAMES = 0x800


def write_package(files: Mapping[str, bytes]) -> bytes:
    """The files in the order given, stored and aligned, dated 1980: same files, same bytes."""
    out, directory = bytearray(), bytearray()
    for name, data in files.items():
        encoded, start = name.encode(), len(out)
        extra = _padding(start + 30 + len(encoded))
        sizes = struct.pack("<III", zlib.crc32(data), len(data), len(data))
        common = struct.pack("<HHHHH", 10, UTF8_NAMES, 0, 0, DATE_1980_01_01) + sizes
        out += struct.pack("<I", LOCAL) + common + struct.pack("<HH", len(encoded), len(extra)) + encoded + extra + data
        directory += struct.pack("<IH", CENTRAL, 20) + common
        directory += struct.pack("<HHHHHII", len(encoded), 0, 0, 0, 0, 0, start) + encoded
    end = struct.pack("<IHHHHIIH", END, 0, 0, len(files), len(files), len(directory), len(out), 0)
    return bytes(out + directory + end)


def _padding(header_end: int) -> bytes:
    """An extra field that moves what follows to the next multiple of 64; a field takes at least 4 bytes."""
    missing = -header_end % ALIGNMENT
    if missing == 0:
        return b""
    if missing < 4:
        missing += ALIGNMENT
    return struct.pack("<HH", PADDING_FIELD, missing - 4) + bytes(missing - 4)


def read_package(data: bytes) -> dict[str, bytes]:
    """The files in their order. Raises ValueError when it is no zip or is damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            return {entry.filename: package.read(entry) for entry in package.infolist()}
    except (zipfile.BadZipFile, struct.error, zlib.error, NotImplementedError) as error:
        raise ValueError(f"not a readable package: {error}") from None


def layout_faults(data: bytes) -> list[str]:
    """What keeps the package from being mapped: compressed, encrypted or unaligned entries."""
    faults = []
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        for entry in package.infolist():
            name_length, extra_length = struct.unpack_from("<HH", data, entry.header_offset + 26)
            start = entry.header_offset + 30 + name_length + extra_length
            if entry.compress_type != zipfile.ZIP_STORED:
                faults.append(f"{entry.filename} is compressed")
            if entry.flag_bits & 1:
                faults.append(f"{entry.filename} is encrypted")
            if start % ALIGNMENT:
                faults.append(f"{entry.filename} starts at {start}, no multiple of {ALIGNMENT}")
    return faults
