"""Workers on real engines, and products with photos to make assets of."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assets_pipeline.stores.s3 import S3Store
from catalog.models import Merchant, Photo, PhotoState, Product
from tests.workers.processes import Processes, beside


@pytest.fixture
def processes(transactional_db: None, service_environ: dict[str, str], tmp_path: Path) -> Iterator[Processes]:
    """A dispatcher beside the test, and room for workers."""
    with beside(service_environ, tmp_path) as running:
        yield running


@pytest.fixture
def merchant(transactional_db: None) -> Merchant:
    return Merchant.objects.create(name="Lamp House", slug="lamp-house")


MakeProduct = Callable[..., Product]


@pytest.fixture
def make_product(merchant: Merchant, storage: S3Store, samples: Path) -> MakeProduct:
    """A product with one photo in the store, ready or yet to be looked at."""

    def make(sample: str = "mug", *, state: PhotoState = PhotoState.READY, **fields: Any) -> Product:
        number = Product.objects.count() + 1
        values = {"sku": f"SKU-{number}", "title": "Coffee mug", "category": "mug", "height": 0.095}
        product = Product.objects.create(merchant=merchant, **(values | fields))
        add_photo(product, (samples / sample / "front.jpg").read_bytes(), storage, state=state)
        return product

    return make


def add_photo(product: Product, data: bytes, storage: S3Store, *, state: PhotoState, name: str = "front.jpg") -> Photo:
    """A photo's row and its bytes."""
    photo = Photo(product=product, merchant=product.merchant, name=name, view="front", state=state)
    photo.key = f"photos/{product.merchant.public_id}/{photo.public_id}"
    storage.put(photo.key, data, content_type="image/jpeg")
    photo.save()
    return photo
