"""product and photos -> a hash of everything that an asset of it is made from"""

import hashlib
import json

from catalog.models import PhotoState, Product

USABLE = (PhotoState.READY, PhotoState.CHECKING)
"""Photos that lie in the store and have not been refused."""


def fingerprint(product: Product) -> str:
    """SHA-256, hex. When it changes, what has been made so far no longer fits."""
    photos = product.photos.filter(state__in=USABLE).order_by("id").values_list("public_id", "view")
    facts = (product.title, product.category, product.width, product.height, product.depth)
    return hashlib.sha256(json.dumps([list(photos), facts]).encode()).hexdigest()
