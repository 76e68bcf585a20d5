"""Tables from any spreadsheet become products, or say row by row why not; and none that we write computes anything."""

import csv
import io

import pytest

from catalog.errors import Invalid
from catalog.importing import CHANGED, MOST_ROWS, NEW, SAME, TEMPLATE, WRONG, apply_plan, plan_import, rows_with
from catalog.lengths import read_length
from catalog.models import Merchant, Photo
from catalog.tables import MOST_BYTES, decode, disarm, read_table, rearm, write_table
from tests.catalog.makers import make_merchant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broker")]


@pytest.fixture
def shop() -> Merchant:
    return make_merchant()


def plan(shop: Merchant, *lines: str, unit: str = "mm"):
    return plan_import(shop, "\n".join(lines), unit=unit)


@pytest.mark.parametrize(
    ("header", "row", "unit", "metres"),
    [
        ("sku,title,width", "A,Mug,82", "mm", 0.082),
        ("sku,title,width", "A,Mug,8.2", "cm", 0.082),
        ("sku,title,width (cm)", "A,Mug,8.2", "mm", 0.082),
        ("sku,title,width_mm", "A,Mug,82", "m", 0.082),
        ("SKU,Title,Width in inches", "A,Mug,4", "mm", 0.1016),
        ("sku,title,width [m]", "A,Mug,0.082", "mm", 0.082),
        ("sku;title;width", "A;Mug;8,2 cm", "mm", 0.082),
        ("sku\ttitle\twidth\tunit", "A\tMug\t8.2\tcm", "mm", 0.082),
        ("sku,title,width", 'A,Mug,"8,2 cm"', "m", 0.082),
        ("sku,title,width", 'A,Mug,"4"""', "mm", 0.1016),
    ],
)
def test_lengths_are_read_with_their_unit(shop: Merchant, header: str, row: str, unit: str, metres: float) -> None:
    (found,) = plan(shop, header, row, unit=unit).rows
    assert (found.kind, found.values["width"]) == (NEW, metres), found.problem


@pytest.mark.parametrize("text", ["1.200,5", "1,200.5", "-3", "3 ft", "1e3", "12 12", "x" * 50, "٣"])
def test_what_is_no_plain_length_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="no length"):
        read_length(text, "mm")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_separators_and_line_ends(shop: Merchant, encoding: str, separator: str, end: str) -> None:
    lines = [["sku", "title", "tags"], ["Ä-1", "Öllampe „Größe“", '"kitchen, blue; large"']]
    data = end.join(separator.join(line) for line in lines).encode(encoding)
    (row,) = plan_import(shop, decode(data), unit="mm").rows
    assert (row.kind, row.sku, row.title) == (NEW, "Ä-1", "Öllampe „Größe“")
    assert row.values["tags"] == ["kitchen", "blue", "large"]


@pytest.mark.parametrize("data", [b"PK\x03\x04rest", b"\xd0\xcf\x11\xe0\xa1", b"a\0b", b"\x00\x01\x02"])
def test_what_is_no_text_is_said(data: bytes) -> None:
    with pytest.raises(Invalid, match=r"save (it|the table) as CSV"):
        decode(data)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([""], "empty"),
        (["title", "Mug"], "No column is called “sku”"),
        (["sku,SKU,title", "A,B,Mug"], "Two columns say sku"),
        (["sku,title", *(f"A{n},Mug" for n in range(MOST_ROWS + 1))], "Split it"),
        (["sku,title", "A," + "x" * MOST_BYTES], "too large"),
        (["sku,title," + "c," * 70, "A,Mug"], "more than 60 columns"),
        (["sku,title", "A,\0"], "no text"),
        (["sku,title", '"A,' + "x" * 140_000], "cannot be read"),
    ],
)
def test_tables_that_will_not_do_as_a_whole_are_said(shop: Merchant, lines: list[str], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        plan(shop, *lines)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (",Mug,,,", "The SKU is missing."),
        ("B,,,,", "The title is missing."),
        ("B,Mug,wide,,", "is no length"),
        ("B,Mug,90000,,", "Is the unit right?"),
        ("B,Mug,9,furlong,", "no unit"),
        ("B,Mug,,,ftp://shop.example/a.jpg", "http and https"),
        ("B,Mug,,,http://user:secret@shop.example/a.jpg", "user name or a password"),
        ("A,Mug,,,", "Line 2 has this SKU already."),
        ("..,Mug,,,", "a folder"),
    ],
)
def test_rows_that_will_not_do_are_said_and_hold_up_no_other(shop: Merchant, row: str, words: str) -> None:
    found = plan(shop, "sku,title,width,unit,photos", "A,Mug,,,", row, "C,Cup,,,")
    assert [each.kind for each in found.rows] == [NEW, WRONG, NEW]
    assert words in found.rows[1].problem
    assert found.rows[1].line == 3
    apply_plan(shop, found)
    assert {product.sku for product in shop.products.all()} == {"A", "C"}


def test_an_import_makes_changes_and_then_nothing(shop: Merchant) -> None:
    lines = ("sku,title,category,tags,photos", "A,Mug,mug,blue,https://shop.example/a.jpg https://shop.example/b.jpg")
    apply_plan(shop, plan(shop, *lines))
    product = shop.products.get()
    assert (product.title, product.tags, product.photos.count()) == ("Mug", ["blue"], 2)
    assert [row.kind for row in plan(shop, *lines).rows] == [SAME]
    (row,) = plan(shop, "sku,title,category", "A,,cup").rows
    assert (row.kind, row.values, row.title) == (CHANGED, {"category": "cup"}, "Mug")
    apply_plan(shop, plan(shop, "sku,title,category", "A,,cup"))
    product.refresh_from_db()
    assert (product.title, product.category, product.tags) == ("Mug", "cup", ["blue"])
    assert Photo.objects.count() == 2


def test_another_shops_sku_is_not_touched(shop: Merchant) -> None:
    other = make_merchant("other")
    apply_plan(other, plan(other, "sku,title", "A,Chair"))
    apply_plan(shop, plan(shop, "sku,title", "A,Mug"))
    assert other.products.get().title == "Chair"
    assert shop.products.get().title == "Mug"


def test_what_changed_between_plan_and_import_is_said(shop: Merchant) -> None:
    made = plan(shop, "sku,title", "A,Mug")
    apply_plan(shop, plan(shop, "sku,title", "A,Cup"))
    (row,) = apply_plan(shop, made)
    assert (row.kind, "has this SKU" in row.problem) == (WRONG, True)
    gone = plan(shop, "sku,title", "A,Glass")
    shop.products.all().delete()
    assert apply_plan(shop, gone)[0].kind == WRONG


def test_columns_that_say_nothing_are_named(shop: Merchant) -> None:
    found = plan(shop, "sku,title,Colour of the box", "A,Mug,red")
    assert found.ignored == ["Colour of the box"]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=cmd|" /C calc"!A0'])
def test_formulas_are_text_going_in_and_harmless_coming_out(shop: Merchant, cell: str) -> None:
    assert disarm(cell) == f"'{cell}"
    assert rearm(disarm(cell)) == cell
    (row,) = plan_import(shop, write_table([["sku", "title"], ["A", cell.strip()]]), unit="mm").rows
    assert row.title == cell.strip()
    wrong = plan_import(shop, write_table([["sku", "title"], ["", cell]]), unit="mm")
    table = list(csv.reader(io.StringIO(write_table(rows_with(wrong.of_kind(WRONG), wrong.header)), newline="")))
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for line in table for cell in line)


def test_rows_with_problems_can_be_mended_and_imported(shop: Merchant) -> None:
    wrong = plan(shop, "sku,title,width", "A,,82", "B,Cup,wide")
    text = write_table(rows_with(wrong.of_kind(WRONG), wrong.header))
    again = plan_import(shop, text, unit="mm")
    assert [row.problem for row in again.rows] == [row.problem for row in wrong.rows]
    assert write_table(rows_with(again.of_kind(WRONG), again.header)) == text
    mended = plan_import(shop, text.replace("A,,82", "A,Mug,82").replace("wide", "90"), unit="mm")
    assert [row.kind for row in mended.rows] == [NEW, NEW]


def test_our_template_imports_without_a_word(shop: Merchant) -> None:
    (row,) = plan_import(shop, write_table(TEMPLATE), unit="mm").rows
    assert (row.kind, row.values["width"], len(row.photos)) == (NEW, 0.115, 1)


def test_line_numbers_are_those_of_the_file() -> None:
    rows = read_table('sku,title\n\n"A","two\nlines"\n,\nB,Mug\n')
    assert [line for line, _ in rows] == [1, 3, 6]
