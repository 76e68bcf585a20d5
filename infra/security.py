"""Headers that tell browsers what our pages may do: little"""

from collections.abc import Awaitable, Callable
from typing import cast
from urllib.parse import urlsplit

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from infra.env import Env

Answer = Callable[[HttpRequest], HttpResponseBase]
AsyncAnswer = Callable[[HttpRequest], Awaitable[HttpResponseBase]]

UNUSED = ("camera", "microphone", "geolocation", "payment", "usb", "serial", "midi", "display-capture")
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in UNUSED)

STYLES_IN_PAGE = ("/api/v1/docs",)
"""The API's documentation comes with one style element in its page."""

VIEWER_STYLE = "'sha256-PXtZZkJMMyc18o/DN1ZEFOJ2qEGq95IQbVaJFMOXOb0='"
"""The one style element that model-viewer puts into its shadow tree."""

VIEWER_PAGES = frozenset(
    {"dashboard:version", "dashboard:versions-compare", "embed-frame", "demo-shop", "demo-product"}
)
"""Pages of ours that show models, by the names of their addresses."""

FRAMEABLE = "embed-frame"
"""The view whose answers shops' pages may frame, the one that says so; nobody else's, not even at its address."""


@sync_and_async_middleware
def harden(get_response: Answer | AsyncAnswer) -> Answer | AsyncAnswer:
    """Middleware: add what `headers` says; a view's own header counts more.

    Django itself adds nosniff, Referrer-Policy and Cross-Origin-Opener-Policy, HSTS and X-Frame-Options.
    """
    places = store_origins(settings.ENV)
    if iscoroutinefunction(get_response):
        answer_later = cast(AsyncAnswer, get_response)

        async def harden_async(request: HttpRequest) -> HttpResponseBase:
            return _add(request, await answer_later(request), places)

        return harden_async
    answer = cast(Answer, get_response)
    return lambda request: _add(request, answer(request), places)


def content_security_policy(
    places: tuple[str, ...], *, styles_in_page: bool = False, viewer: bool = False, frameable: bool = False
) -> str:
    """Scripts and styles from us alone; pictures, models and uploads also from and to the store at `places`.

    viewer: the page shows models, which are unpacked by WebAssembly and have pictures inside, read from blobs.
    """
    stores = "".join(f" {place}" for place in places)
    styles = "'self' 'unsafe-inline'" if styles_in_page else f"'self' {VIEWER_STYLE}" if viewer else "'self'"
    rules = {
        "default-src": "'self'",
        "script-src": "'self'" + " 'wasm-unsafe-eval'" * viewer,
        "img-src": f"'self' data: blob:{stores}",
        "connect-src": "'self'" + " blob:" * viewer + stores,
        "style-src": styles,
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": f"'self'{stores}",
        "frame-ancestors": "*" if frameable else "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def store_origins(env: Env) -> tuple[str, ...]:
    """Where browsers read published files from and send photos to."""
    store = env.s3_public_url or env.s3_endpoint_url
    if not store:
        store = f"https://{env.s3_bucket}.s3.{env.s3_region}.amazonaws.com"
    parts = [urlsplit(place) for place in (store, env.cdn_base_url) if place]
    return tuple(dict.fromkeys(f"{part.scheme}://{part.netloc}" for part in parts))


def _add(request: HttpRequest, response: HttpResponseBase, places: tuple[str, ...]) -> HttpResponseBase:
    view = request.resolver_match.view_name if request.resolver_match else ""
    viewer = view in VIEWER_PAGES
    frameable = view == FRAMEABLE and getattr(response, "xframe_options_exempt", False)
    in_page = request.path in STYLES_IN_PAGE
    policy = content_security_policy(places, styles_in_page=in_page, viewer=viewer, frameable=frameable)
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
    return response
