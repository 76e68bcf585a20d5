"""A product on the shelf, with a photo and a job; and one of another shop."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from catalog.jobs import request_asset
from catalog.leases import Spent, end_finish
from catalog.models import AssetJob, AssetVersion, Group, Photo, Product
from catalog.recipe import Recipe
from catalog.storage import Storage
from tests.catalog.makers import finished, lease_at, make_job, make_product, make_worker
from tests.dashboard.conftest import People

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
HX = {"HX-Request": "true"}


@dataclass(frozen=True)
class Shelf:
    """A product with a photo and a job, and one of another shop."""

    people: People
    product: Product
    photo: Photo
    job: AssetJob
    foreign: Product
    foreign_photo: Photo
    foreign_job: AssetJob

    def at(self, path: str = "", product: Product | None = None) -> str:
        return self.people.at(f"products/{(product or self.product).public_id}/{path}")


@pytest.fixture
def shelf(people: People, storage: Storage) -> Shelf:
    product, foreign = make_product(people.shop), make_product(people.other)
    return Shelf(
        people,
        product,
        product.photos.get(),
        make_job(product),
        foreign,
        foreign.photos.get(),
        make_job(foreign),
    )


@pytest.fixture
def ready(shelf: Shelf) -> Iterator[Shelf]:
    AssetJob.objects.all().delete()
    make_worker()
    return shelf


def make_version(product: Product, storage: Storage, **fields: Any) -> AssetVersion:
    """A version of the product, by a job that took 31 seconds of processors."""
    asset = finished(product.merchant, **fields)
    for file in asset.files:
        storage.put(file.key, file.name.encode(), content_type=file.content_type)
    job = product.jobs.first() or request_asset(product, Recipe())
    return end_finish(lease_at(job, Group.FINISH), asset, Spent({"bake": 2.0}, cpu_seconds=25.0))
