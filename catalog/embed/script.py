"""/embed.js: the one address that shops write down; everything else that browsers load is named by its content"""

import gzip
import json
import re
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from catalog.api.etags import already_known
from catalog.api.storefront import FROM_ANYWHERE

HERE = Path(__file__).resolve().parent
WORDS = HERE.parent / "static" / "embed" / "words"
"""A file for each language; one more file is one more language."""

ELSEWHERE = "en"
"""What is said where there is no file for the page's language."""

SHORT = "public, max-age=300, stale-while-revalidate=86400"
JAVASCRIPT = "text/javascript; charset=utf-8"
COMMENT_LINE = re.compile(r"^\s*//.*\n|^ +", re.MULTILINE)


@dataclass(frozen=True)
class Script:
    """The script as it is sent, and the same packed."""

    plain: bytes
    packed: bytes
    etag: str


@require_safe
def embed_js(request: HttpRequest) -> HttpResponse:
    """The element's script."""
    script = read_script()
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    etag = f'"{script.etag}{"-gzip" * packed}"'
    if already_known(request.headers.get("If-None-Match", ""), etag):
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(script.packed if packed else script.plain, content_type=JAVASCRIPT)
        if packed:
            response.headers["Content-Encoding"] = "gzip"
    for name, value in {**FROM_ANYWHERE, "Cache-Control": SHORT, "ETag": etag}.items():
        response.headers[name] = value
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


@cache
def read_script() -> Script:
    """The source without comments and indentation, with addresses and words put in."""
    source = COMMENT_LINE.sub("", (HERE / "element.js").read_text())
    words = json.loads((WORDS / f"{ELSEWHERE}.json").read_text())
    at_once = {name: word for name, word in words.items() if isinstance(word, str)}  # the rest comes with the model
    for name, value in (("FILES", addresses()), ("WORDS", at_once)):
        source = source.replace(f"/* {name} */ {{}}", json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    plain = source.encode()
    return Script(plain, gzip.compress(plain, 9, mtime=0), sha256(plain).hexdigest()[:32])


def addresses() -> dict[str, object]:
    """What the script may load, by name; the folders of decoders that our models never need are not hashed."""
    others = [language for language in languages() if language != ELSEWHERE]
    return {
        "live": static("embed/live.js"),
        "none": static("embed/none.js"),
        "viewer": static("vendor/model-viewer.min.js"),
        "draco": f"{settings.STATIC_URL}vendor/draco/",
        "basis": f"{settings.STATIC_URL}vendor/basis/",
        "words": {language: static(f"embed/words/{language}.json") for language in others},
    }


@cache
def languages() -> tuple[str, ...]:
    """Those that the element speaks."""
    return tuple(sorted(path.stem for path in WORDS.glob("*.json")))
