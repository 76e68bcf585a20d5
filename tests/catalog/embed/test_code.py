"""The lines that shops paste say what the merchant wrote and nothing else, and are those of docs/embed.md."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from catalog.embed.code import element_code, frame_code
from catalog.models import AssetVersion, Product

ORIGIN = "https://plinth.example"
PRODUCT = "prd_23456789abcdefgh"


class Reader(HTMLParser):
    """What a browser makes of the lines: elements with their attributes, and text."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(code)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data if self.elements[-1:] and self.elements[-1][0] != "style" else ""


@pytest.mark.parametrize("title", ['Mug 12" wide', '"><script>alert(1)</script>', "Tom & Jerry's <b>", "&quot; &lt;"])
@pytest.mark.parametrize("published", [False, True])
def test_whatever_the_title_is_it_stays_a_title(title: str, published: bool) -> None:
    version = AssetVersion(alt_text=f"{title}, white") if published else None
    product = Product(public_id=PRODUCT, title=title, published_version=version)
    element, frame = Reader(element_code(product, ORIGIN)), Reader(frame_code(product, ORIGIN))
    assert [tag for tag, _ in element.elements] == ["script", "style", "plinth-viewer", "img"]
    assert element.elements[3][1]["alt"] == (f"{title}, white" if published else title)
    assert [tag for tag, _ in frame.elements] == ["iframe"]
    assert frame.elements[0][1]["title"] == f"{title} in 3D"
    assert element.text.strip() == frame.text.strip() == ""


def test_a_page_that_shows_the_lines_escapes_them() -> None:
    product = Product(public_id=PRODUCT, title="Mug")
    assert not any(hasattr(code(product, ORIGIN), "__html__") for code in (element_code, frame_code))


def test_docs_print_the_same_lines(root: Path) -> None:
    doc = (root / "docs" / "embed.md").read_text()
    version = AssetVersion(alt_text="Coffee mug, white")
    product = Product(public_id=PRODUCT, title="Coffee mug", published_version=version)
    for code in (element_code, frame_code):
        assert f"```html\n{code(product, ORIGIN)}\n```" in doc
