"""a version's files -> rows with their figures, and a way to each for members of the shop

The page never holds a presigned link: each of ours asks anew who is there and leads to one that lasts for a minute.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from catalog.models import AssetVersion
from catalog.storage import storage
from dashboard.access import Access, member_page
from dashboard.review.pictures import names_of

LINK_SECONDS = 60

ABOUT = {
    "model.glb": "3D model for Android, shop systems and 3D programs",
    "model.web.glb": "3D model made light, for web pages",
    "model.usdz": "3D model for AR on iPhone and iPad",
    "poster.webp": "Picture, transparent background",
    "poster-white.webp": "Picture on white",
    "turntable.webp": "Picture from eight sides",
    "preview.html": "This model in one page that opens without the internet",
    "report.json": "Every figure, for programs",
    "scene.json": "Cameras and notes that later changes start from",
}


@dataclass(frozen=True)
class FileRow:
    """A file of a version. textures: their pixels, such as 2048 × 2048, largest first. main: what shops use."""

    name: str
    about: str
    bytes: int
    triangles: int | None
    textures: str
    main: bool


def file_rows(version: AssetVersion) -> list[FileRow]:
    """What shops use first, then what only this page and engineers do."""
    facts = version.certificate.get("files", {})
    rows = [_row(file, facts.get(file["name"], {})) for file in version.files]
    order = list(ABOUT)
    return sorted(rows, key=lambda row: (order.index(row.name) if row.name in ABOUT else len(order), row.name))


def _row(file: Mapping[str, Any], facts: Mapping[str, Any]) -> FileRow:
    sizes = {(texture["width"], texture["height"]) for texture in facts.get("textures", [])}
    return FileRow(
        name=file["name"],
        about=ABOUT.get(file["name"], "Picture for this page"),
        bytes=file["bytes"],
        triangles=facts.get("triangles"),
        textures=", ".join(f"{width} × {height}" for width, height in sorted(sizes, reverse=True)),
        main=file["name"] in ABOUT and not file["name"].endswith((".json", ".html")),
    )


def shown_model(version: AssetVersion) -> str:
    """The file that a viewer shows."""
    names = names_of(version)
    return next((name for name in ("model.web.glb", "model.glb") if name in names), "")


@require_safe
@member_page
def shown_file(request: HttpRequest, access: Access, product_id: str, version_id: str, name: str) -> HttpResponse:
    """To the file, for pages."""
    request.quiet = True  # type: ignore[attr-defined]
    file = find_file(access.version(access.product(product_id), version_id), name)
    return HttpResponseRedirect(storage().link(file["key"], expires_in=LINK_SECONDS))


@require_safe
@member_page
def download(request: HttpRequest, access: Access, product_id: str, version_id: str, name: str) -> HttpResponse:
    """To the file, to be saved under a name that tells products and versions apart."""
    product = access.product(product_id)
    version = access.version(product, version_id)
    file = find_file(version, name)
    saved_as = f"{slugify(product.sku) or product.public_id}-v{version.number}-{name}"
    return HttpResponseRedirect(storage().link(file["key"], expires_in=LINK_SECONDS, filename=saved_as))


def find_file(version: AssetVersion, name: str) -> Mapping[str, Any]:
    """The version's file of that name. Raises Http404."""
    found: Mapping[str, Any] | None = next((file for file in version.files if file["name"] == name), None)
    if found is None:
        raise Http404
    return found
