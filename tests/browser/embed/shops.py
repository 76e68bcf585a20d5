"""A published product for a shop to show"""

import hashlib
from collections.abc import Mapping

from catalog.models import AssetVersion, Merchant, Product
from catalog.storage import storage
from catalog.versions import FinishedAsset, StoredFile, create_version, publish_version
from tests.catalog.makers import CONTENT_TYPES, make_job

SIDES = {"width": 0.082, "height": 0.095, "depth": 0.082}
"""Of the tests' mug, metres."""


def make_finished(merchant: Merchant, files: Mapping[str, bytes]) -> FinishedAsset:
    """What a worker hands over, its files in the store."""
    stored = []
    for name, data in files.items():
        sha256, content_type = hashlib.sha256(data).hexdigest(), CONTENT_TYPES[name.rpartition(".")[2]]
        file = StoredFile(name, f"files/{merchant.public_id}/{sha256}/{name}", len(data), sha256, content_type)
        storage().put(file.key, data, content_type=content_type)
        stored.append(file)
    return FinishedAsset(
        files=tuple(stored),
        dimensions=SIDES,
        metrics={"triangles": 4000},
        certificate={"grade": "B", "passed": True, "reasons": ["A turned shape."], "unseen": 0.4},
        grade="B",
        generator="primitive",
        licence={"code": "Apache-2.0"},
        alt_text="A white mug with a band",
        publishable=True,
    )


def show(product: Product, files: Mapping[str, bytes]) -> AssetVersion:
    """Make a version of these files and publish it."""
    version = create_version(make_job(product), make_finished(product.merchant, files))
    publish_version(version)
    product.refresh_from_db()
    return version
