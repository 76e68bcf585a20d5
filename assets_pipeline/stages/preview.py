"""files + certificate -> preview.html, a page that shows the model beside the photos without any network"""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from PIL import Image

from assets_pipeline.asset import Advice, Asset, Photo, StageRecord
from assets_pipeline.errors import Unavailable
from assets_pipeline.stages.certify import FAMILIES
from assets_pipeline.stages.export_glb import WEB_GLB
from assets_pipeline.stages.render import POSTER

PREVIEW = "preview.html"
TEMPLATE = Path(__file__).with_name("preview_template.html")
VIEWER = "@google/model-viewer/dist/model-viewer.min.js"
DECODER = "meshoptimizer/meshopt_decoder.cjs"
PHOTO_SIDE = 720
PHOTOS_SHOWN = 6
AS_GIVEN = 5e-4

GRADES = {
    "A": "Measured and like the photo",
    "B": "Known class of shape, partly guessed",
    "C": "A guess from what could be seen",
}


@dataclass(frozen=True)
class Preview:
    """Write the page; see `preview_page`. modules: the folder that `npm ci` filled."""

    modules: Path = field(repr=False)

    def __call__(self, asset: Asset) -> Asset:
        assert asset.certificate is not None, "preview comes after certify"
        page = preview_page(asset, self.modules)
        record = StageRecord(repr(self), {PREVIEW: {"bytes": len(page)}})
        return replace(asset, files={**asset.files, PREVIEW: page}, provenance=(*asset.provenance, record))


def preview_page(asset: Asset, modules: Path) -> bytes:
    """One file that any browser opens from a disk: viewer, model and pictures are all inside.

    Raises Unavailable when the viewer is not installed.
    """
    certificate = asset.certificate or {}
    grade = str(certificate.get("grade", ""))
    page = Template(TEMPLATE.read_text("utf-8")).substitute(
        title=escape(asset.title),
        grade=escape(grade),
        verdict=f"<div>{escape(GRADES.get(grade, ''))}</div>",
        poster=_data_url(asset.files[POSTER], "image/webp"),
        photos="".join(_photo_tag(photo) for photo in asset.photos[:PHOTOS_SHOWN]),
        photo_names=escape(_photo_names(asset.photos)),
        cards="".join(_cards(asset, certificate)),
        decoder=_script(modules, DECODER),
        viewer=_script(modules, VIEWER),
        model=base64.b64encode(asset.files[WEB_GLB]).decode(),
    )
    return page.encode()


def _script(modules: Path, name: str) -> str:
    """A script of the viewer's, such that it cannot end the element that it is put into."""
    try:
        text = (modules / name).read_text("utf-8")
    except FileNotFoundError:
        raise Unavailable("node_missing", "The viewer is missing; run `npm ci` in the project.") from None
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _data_url(data: bytes, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def _photo_tag(photo: Photo) -> str:
    name = escape(_printable(photo.name))
    return f'<img src="{_data_url(_thumbnail(photo), "image/webp")}" alt="Photo {name}">'


def _thumbnail(photo: Photo) -> bytes:
    """The photo, small; where it is transparent, on white."""
    image, stream = Image.fromarray(photo.pixels), io.BytesIO()
    if photo.alpha is not None:
        image = Image.composite(image, Image.new("RGB", image.size, "white"), Image.fromarray(photo.alpha))
    image.thumbnail((PHOTO_SIDE, PHOTO_SIDE))
    image.save(stream, "WEBP", quality=82)
    return stream.getvalue()


def _photo_names(photos: Sequence[Photo]) -> str:
    names = [_printable(photo.name) + (f" ({photo.view})" if photo.view else "") for photo in photos]
    return f"{'Photo' if len(names) == 1 else 'Photos'}: {', '.join(names)}"


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _cards(asset: Asset, certificate: Mapping[str, Any]) -> Iterable[str]:
    yield _card("Dimensions", _pairs(_dimension_rows(certificate)))
    files = {name: data for name, data in asset.files.items() if name.startswith("model.")}
    links = [(f'<a href="{escape(name)}">{escape(name)}</a>', _size(len(data))) for name, data in files.items()]
    yield _card("Files", _pairs(links))
    yield _card("Certificate", _certificate_body(certificate))
    if asset.raw is not None:
        shape = FAMILIES.get(asset.raw.family, asset.raw.family)
        rows = [("generator", asset.raw.generator), ("shape", shape), *_figures(asset)]
        yield _card("Made by", _pairs([(escape(key), escape(value)) for key, value in rows if value]))
        if asset.raw.next_photo:
            yield _card("The photo that would help most", f"<p>{escape(asset.raw.next_photo)}</p>")
    if asset.advice:
        yield _card("Advice on the photos", _list(_advice_line(advice) for advice in asset.advice))


def _dimension_rows(certificate: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Sides in millimetres, those that were asked for with their error."""
    dimensions = certificate.get("dimensions", {})
    rows = []
    for name, metres in dimensions.get("metres", {}).items():
        error = dimensions["error"].get(name)
        asked = "" if error is None else " <small>(as given)</small>"
        if error is not None and error > AS_GIVEN:
            asked = f" <small>({100 * error:.1f}% off)</small>"
        rows.append((escape(name), f"{1000 * metres:.1f} mm{asked}"))
    source = {"given": "given", "typical": "typical for the category", "unknown": "not known"}
    return [*rows, ("scale", escape(source.get(certificate.get("size_source", ""), "not known")))]


def _certificate_body(certificate: Mapping[str, Any]) -> str:
    failed = [row for row in certificate.get("limits", []) if not row["ok"] and row["level"] == "required"]
    total = sum(row["level"] == "required" for row in certificate.get("limits", []))
    if failed:
        shown = [f"{row['name'].replace('_', ' ')}: {row['value']}, limit {row['limit']}" for row in failed]
        verdict = f'<p class="bad">{len(failed)} of {total} checks failed</p>{_list(map(escape, shown))}'
    else:
        verdict = f'<p class="ok">All {total} checks passed</p>'
    reasons = _list(escape(reason) for reason in certificate.get("reasons", []))
    photos = certificate.get("agreement", {}).get("photos", [])
    rows = [(escape(f"silhouette of {_printable(row['photo'])}"), f"{100 * row['iou']:.1f}%") for row in photos]
    note = f"<p><small>{escape(certificate['agreement']['note'])}</small></p>" if photos else ""
    return f"{verdict}{reasons}{_pairs(rows)}{note}"


def _figures(asset: Asset) -> list[tuple[str, str]]:
    triangles = f"{asset.lowpoly.triangles:,}" if asset.lowpoly is not None else ""
    unseen = "" if asset.unseen is None else f"{100 * asset.unseen:.0f}%"
    return [("triangles", triangles), ("never photographed", unseen)]


def _advice_line(advice: Advice) -> str:
    about = f"{_printable(advice.photo)}: " if advice.photo else ""
    return escape(f"{about}{advice.text}")


def _card(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _pairs(rows: Iterable[tuple[str, str]]) -> str:
    return f"<dl>{''.join(f'<dt>{key}</dt><dd>{value}</dd>' for key, value in rows)}</dl>"


def _list(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _size(count: int) -> str:
    return f"{count / 1e6:.2f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
