"""POST /t: shops' pages tell what happened to a version; nothing about anybody is read, let alone kept"""

import json
import re
import time

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from catalog.api.throttling import count_request
from catalog.happenings import count
from catalog.models import Happening

MOST_BYTES = 200
MOST_PER_MINUTE = 1200
"""Of one version, from everybody together: who asks is not known. More is nobody's customers."""

VERSION_ID = re.compile(r"ver_[A-Za-z0-9]{1,20}")


@csrf_exempt
@require_POST
def happened(request: HttpRequest) -> HttpResponse:
    """Count it. 204 also for what is not published; 400 for anything but what the element sends; 429 for too many.

    Text or JSON, whatever the content type: `navigator.sendBeacon` sends text, which needs no preflight.
    """
    request.quiet = True  # type: ignore[attr-defined]  # not a line in the log for each look at a product
    told = read_beacon(request)
    if told is None:
        return HttpResponse(status=400)
    version_id, happening = told
    if too_many(version_id):
        return HttpResponse(status=429)
    count(version_id, happening)
    return HttpResponse(status=204)


def read_beacon(request: HttpRequest) -> tuple[str, Happening] | None:
    """What happened, to which version; None for anything else."""
    length = request.headers.get("Content-Length", "")
    if not length.isdigit() or int(length) > MOST_BYTES:
        return None
    try:
        body = json.loads(request.body)
    except ValueError:
        return None
    if not isinstance(body, dict) or body.keys() != {"version", "happening"}:
        return None
    version_id, happening = body["version"], body["happening"]
    if not isinstance(version_id, str) or not VERSION_ID.fullmatch(version_id) or happening not in Happening.values:
        return None
    return version_id, Happening(happening)


def too_many(version_id: str) -> bool:
    """Whether that version has had its share of this minute; while the cache is away nobody is turned away."""
    counted = count_request(f"happenings:{version_id}", MOST_PER_MINUTE, time.time())
    return counted is not None and counted.used > MOST_PER_MINUTE
