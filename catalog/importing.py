"""a table of products -> what it would change, row by row, and then the change

Nothing is written before somebody has seen the plan. The same table gives the same plan, so a second import of it
changes nothing. An empty cell of a product that is there already changes nothing either.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from catalog.errors import Invalid, LostRace, Refused
from catalog.facts import SIDES, read_facts
from catalog.fetching import read_address
from catalog.lengths import UNITS
from catalog.models import Merchant, Product
from catalog.photos import add_photo_from_url
from catalog.products import change_product, create_product
from catalog.tables import read_table, rearm

MOST_ROWS = 2_000
MOST_PHOTOS_A_ROW = 20
TEMPLATE = (
    ("sku", "title", "category", "width (cm)", "height (cm)", "depth (cm)", "tags", "photos"),
    ("MUG-1", "Blue mug", "mug", "11.5", "9.5", "8.2", "kitchen, blue", "https://shop.example/mug-front.jpg"),
)

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "sku": ("sku", "variant sku", "article", "article number", "item number", "product code"),
    "title": ("title", "name", "product", "product name", "product title"),
    "category": ("category", "type", "product type", "product category", "what it is"),
    "width": ("width", "w"),
    "height": ("height", "h"),
    "depth": ("depth", "length", "d"),
    "unit": ("unit", "units"),
    "tags": ("tags", "tag", "labels"),
    "external_id": ("external id", "shop id", "platform id"),
    "photos": ("photo", "photos", "photo url", "photo urls", "image", "images", "image url", "image urls", "image src"),
}
"""Column -> how headers name it, in small letters, without the unit."""

UNIT_IN_HEADER = re.compile(r"[\s_(\[]+(?:in\s+)?(mm|cm|m|in|inch|inches)[)\]]?$")
BETWEEN_ADDRESSES = re.compile(r"[\s|]+|[,;]+(?=\s*https?://)|[,;]+$")

PROBLEM = "problem"
NEW, CHANGED, SAME, WRONG = "new", "changed", "same", "wrong"


@dataclass(frozen=True)
class Row:
    """A row of the table and what it would do. line: its number in the file. values: of the fields it sets."""

    line: int
    cells: Sequence[str]
    sku: str
    title: str
    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)
    photos: Sequence[str] = ()
    problem: str = ""


@dataclass(frozen=True)
class Plan:
    """What a table would do. ignored: headers that say nothing to us."""

    header: Sequence[str]
    ignored: Sequence[str]
    rows: Sequence[Row]

    def of_kind(self, *kinds: str) -> list[Row]:
        """Those rows, in the table's order."""
        return [row for row in self.rows if row.kind in kinds]


def plan_import(merchant: Merchant, text: str, *, unit: str) -> Plan:
    """What the table in `text` would do; lengths without a unit of their own are in `unit`. Raises Invalid."""
    if unit not in UNITS:
        raise Invalid("bad_value", "Choose a unit.", {"unit": "Choose a unit."})
    (_, header), *rows = read_table(text)
    if len(rows) > MOST_ROWS:
        message = f"The table has {len(rows)} rows: {MOST_ROWS} at most at a time. Split it into several."
        raise Invalid("bad_value", message, {"table": message})
    columns = read_header(header)
    names = {place: name for place, (name, _) in columns.items()}
    units = {name: given for name, given in columns.values() if given}
    ignored = [title for place, title in enumerate(header) if place not in columns and title]
    skus = {_cells(cells, names).get("sku", "") for _, cells in rows}
    known = {product.sku: product for product in merchant.products.filter(sku__in=skus)}
    seen: dict[str, int] = {}
    planned = [_plan_row(line, cells, names, units, unit, known, seen) for line, cells in rows]
    return Plan(header, ignored, planned)


def read_header(header: Sequence[str]) -> dict[int, tuple[str, str]]:
    """Place -> (column, unit or ""). Raises Invalid when no column is the SKU or one comes twice."""
    known = {alias: name for name, aliases in COLUMNS.items() for alias in aliases}
    found: dict[int, tuple[str, str]] = {}
    for place, title in enumerate(header):
        plain = re.sub(r"[\s_-]+", " ", title.lower()).strip()
        unit = UNIT_IN_HEADER.search(title.lower().strip())
        name = known.get(plain) or known.get(
            re.sub(r"[\s_-]+", " ", title.lower()[: unit.start()]).strip() if unit else ""
        )
        if name is None:
            continue
        if name in (each for each, _ in found.values()):
            raise _invalid(f"Two columns say {name}: remove or rename one (“{title[:40]}”).")
        given = unit[1] if unit and name in SIDES else ""
        found[place] = (name, "in" if given.startswith("in") else given)
    if "sku" not in (name for name, _ in found.values()):
        raise _invalid("No column is called “sku”. The first line must name the columns; see the template.")
    return found


def apply_plan(merchant: Merchant, plan: Plan) -> list[Row]:
    """Do what is right in `plan`; the rows as they turned out, those that failed now as WRONG."""
    return [_apply(merchant, row) if row.kind in (NEW, CHANGED) else row for row in plan.rows]


def _plan_row(
    line: int,
    cells: Sequence[str],
    names: Mapping[int, str],
    units: Mapping[str, str],
    unit: str,
    known: Mapping[str, Product],
    seen: dict[str, int],
) -> Row:
    typed = _cells(cells, names)
    sku, title = typed.get("sku", ""), typed.get("title", "")
    row = Row(line, cells, sku, title, WRONG)
    if not sku:
        return replace(row, problem="The SKU is missing.")
    if sku in seen:
        return replace(row, problem=f"Line {seen[sku]} has this SKU already.")
    seen[sku] = line
    product = known.get(sku)
    row = replace(row, title=title or (product.title if product else ""))
    try:
        photos = read_photos(typed.pop("photos", ""))
        own = typed.pop("unit", "").lower()
        if own and own not in UNITS:
            raise _invalid(f"“{own[:20]}” is no unit: mm, cm, m or in.")
        if product is not None:  # an empty cell changes nothing
            typed = {name: text for name, text in typed.items() if text}
        for side in SIDES:
            if typed.get(side) and typed[side][-1:].isdigit():
                typed[side] += f" {units.get(side) or own or unit}"
        values = read_facts(typed, unit=unit, partial=product is not None)
    except Refused as error:
        return replace(row, problem=" ".join(dict.fromkeys(error.fields.values())) or error.message)
    if product is None:
        return replace(row, kind=NEW, values=values, photos=photos)
    changes = {name: value for name, value in values.items() if getattr(product, name) != value}
    photos = [url for url in photos if not product.photos.filter(source_url=url).exists()]
    return replace(row, kind=CHANGED if changes or photos else SAME, values=changes, photos=photos)


def read_photos(cell: str) -> list[str]:
    """The addresses in a cell, each once. Raises Invalid for one that nothing can be fetched from."""
    urls = list(dict.fromkeys(part for part in BETWEEN_ADDRESSES.split(cell) if part))
    if len(urls) > MOST_PHOTOS_A_ROW:
        raise _invalid(f"A row has at most {MOST_PHOTOS_A_ROW} photos.")
    for url in urls:
        try:
            read_address(url)
        except Refused as error:
            raise _invalid(f"{url[:80]}: {error.message}") from None
    return urls


def _cells(cells: Sequence[str], names: Mapping[int, str]) -> dict[str, str]:
    """Column -> its text."""
    return {names[place]: rearm(cell).strip() for place, cell in enumerate(cells) if place in names}


def _apply(merchant: Merchant, row: Row) -> Row:
    try:
        if row.kind == NEW:
            product = create_product(merchant, row.values)
        else:
            product = change_product(merchant.products.get(sku=row.sku), row.values)
        for url in row.photos:
            add_photo_from_url(product, url)
    except Refused as error:
        return replace(row, kind=WRONG, problem=error.message)
    except (LostRace, Product.DoesNotExist):
        return replace(row, kind=WRONG, problem="Somebody changed it at the same moment.")
    return row


def rows_with(problems: Iterable[Row], header: Sequence[str]) -> list[list[str]]:
    """A table of these rows as they were, with what is wrong with each in a last column."""
    kept = [place for place, title in enumerate(header) if title != PROBLEM]
    lines = [[*(row.cells[place] if place < len(row.cells) else "" for place in kept), row.problem] for row in problems]
    return [[*(header[place] for place in kept), PROBLEM], *lines]


def _invalid(message: str) -> Invalid:
    return Invalid("bad_value", message, {"table": message})
