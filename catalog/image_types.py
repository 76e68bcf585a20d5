"""first bytes of a file -> which kind of photo it claims to be

Nothing is decoded: that happens on a worker, in a process with limits. This keeps pages and programs out of the store
and gives objects their true content type.
"""

HEAD_BYTES = 64
"""As many are needed to tell."""

CONTENT_TYPES = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/webp",
        "image/avif",
        "image/heic",
        "image/heif",
        "image/tiff",
        "image/bmp",
        "image/gif",
    }
)
"""What photos may be declared as."""

STARTS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"BM", "image/bmp"),
)

BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"heim": "image/heic",
    b"heis": "image/heic",
    b"hevc": "image/heic",
    b"hevx": "image/heic",
    b"mif1": "image/heif",
    b"msf1": "image/heif",
}
"""Brands of the ISO media files that hold pictures (ISO/IEC 23008-12); films have others."""


def image_type(head: bytes) -> str:
    """The content type of a file that begins with `head`; empty when it is none of ours."""
    for start, content_type in STARTS:
        if head.startswith(start):
            return content_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        size = min(int.from_bytes(head[:4], "big"), HEAD_BYTES)
        brands = [head[8:12], *(head[at : at + 4] for at in range(16, size, 4))]  # the major one, then compatible ones
        return next((BRANDS[brand] for brand in brands if brand in BRANDS), "")
    return ""
