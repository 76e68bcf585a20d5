"""product -> the lines that a shop pastes into its page

They are plain text in which everything that a merchant wrote is escaped: a page that shows them escapes them once more.
"""

from html import escape

from django.urls import reverse

from catalog.models import Product
from catalog.storefront import POSTER

ALLOW = "xr-spatial-tracking; fullscreen"
PIXELS = 1024
"""Of the poster's sides; with the style they reserve its space."""


def element_code(product: Product, origin: str) -> str:
    """The element with its picture, which stands there before the script and without it. origin: ours, as shops see it.

    The poster's address leads to whatever is published, so the lines may be pasted before anything is.
    """
    version = product.published_version
    alt = (version.alt_text if version else "") or product.title
    poster = reverse("public-file", args=[product.public_id, POSTER])
    return (
        f'<script type="module" src="{origin}{reverse("embed-js")}"></script>\n'
        "<style>\n"
        "  plinth-viewer { display: block; position: relative; aspect-ratio: 1 }\n"
        "  plinth-viewer > img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain }\n"
        "</style>\n"
        f'<plinth-viewer product="{product.public_id}">\n'
        f'  <img src="{origin}{poster}" alt="{escape(alt)}" width="{PIXELS}" height="{PIXELS}">\n'
        "</plinth-viewer>"
    )


def frame_code(product: Product, origin: str) -> str:
    """The same for shops that allow no scripts."""
    page = reverse("embed-frame", args=[product.public_id])
    return (
        f'<iframe src="{origin}{page}" title="{escape(product.title)} in 3D"\n'
        f'  allow="{ALLOW}" width="600" height="600"></iframe>'
    )
