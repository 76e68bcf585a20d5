"""bytes of a spreadsheet's CSV -> rows of text, whatever program wrote it; and rows -> CSV that no program executes"""

import csv
import io
from collections.abc import Iterable, Sequence

from catalog.errors import Invalid

MOST_BYTES = 900_000
"""Once decoded, too: the table travels through a form's field."""

MOST_COLUMNS = 60
SEPARATORS = ",;\t"
BOM = "\ufeff"
ACTIVE = ("=", "+", "-", "@", "\t", "\r")
"""How cells begin that spreadsheets take for formulas (OWASP, "CSV Injection")."""


def decode(data: bytes) -> str:
    """The text: UTF-8, with or without a mark, UTF-16 with one, else Windows-1252. Raises Invalid."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise _invalid("This is a spreadsheet's own format: save it as CSV first, then choose that file.")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise _invalid("This file is no text: save the table as CSV (UTF-8), then choose that file.")


def read_table(text: str) -> list[tuple[int, list[str]]]:
    """(line number, cells) of each row that has any content, the header first. Raises Invalid."""
    text = text.removeprefix(BOM)
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise _invalid(f"The table is too large: {MOST_BYTES / 1e6:.1g} MB at most. Split it into several.")
    if "\0" in text:
        raise _invalid("The table has characters that are no text.")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=find_separator(text))
    rows = []
    before = 0
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                rows.append((before + 1, stripped))
            before = reader.line_num
    except csv.Error as error:
        raise _invalid(f"Line {reader.line_num} cannot be read: {error}.") from None
    if not rows:
        raise _invalid("The table is empty.")
    if len(rows[0][1]) > MOST_COLUMNS:
        raise _invalid(f"The table has more than {MOST_COLUMNS} columns.")
    return rows


def find_separator(text: str) -> str:
    """The one that the first line has most of, outside quotes."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    bare = "".join(line.split('"')[::2])
    return max(SEPARATORS, key=bare.count)


def write_table(rows: Iterable[Sequence[str]]) -> str:
    """CSV as spreadsheets open it: a mark for UTF-8, and no cell that one of them would compute."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([disarm(cell) for cell in row] for row in rows)
    return BOM + out.getvalue()


def disarm(cell: str) -> str:
    """With an apostrophe before what would be taken for a formula; `rearm` takes it off."""
    return f"'{cell}" if cell.startswith(ACTIVE) else cell


def rearm(cell: str) -> str:
    """What `disarm` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(ACTIVE) else cell


def _invalid(message: str) -> Invalid:
    return Invalid("bad_value", message, {"table": message})
