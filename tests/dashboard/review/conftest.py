"""A product with two versions of one real mug, the first of them shown; a guessed shoe; and the people of the shop."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from assets_pipeline.nodejs.tools import NodeTools
from catalog.models import AssetVersion, Product, Status
from catalog.versions import publish_version
from tests.catalog.makers import finished
from tests.catalog.makers import make_product as make_plain_product
from tests.dashboard.conftest import People, people  # noqa: F401
from tests.dashboard.review.made import Made, add_finished, add_version, make_asset


@pytest.fixture(scope="session")
def node() -> Iterator[NodeTools]:
    """The real Node helper."""
    with NodeTools() as running:
        yield running


@pytest.fixture(scope="session")
def made_mug(node: NodeTools, samples: Path) -> Made:
    """Grade A: from three photos, one of which made the shape, with its height given."""
    return make_asset(samples, "mug", ("three-quarter", "back", "left"), node, height=0.095)


@pytest.fixture(scope="session")
def made_shoe(node: NodeTools, samples: Path) -> Made:
    """Grade C: a free form from one photo."""
    return make_asset(samples, "shoe", ("left",), node)


@dataclass(frozen=True)
class Reviewed:
    """A product of the shop with its versions, oldest first."""

    people: People
    product: Product
    versions: tuple[AssetVersion, ...]

    @property
    def last(self) -> AssetVersion:
        return self.versions[-1]

    def at(self, path: str = "", version: AssetVersion | None = None) -> str:
        """An address below a version's page, the last one's unless told."""
        version = version or self.last
        return self.people.at(f"products/{self.product.public_id}/versions/{version.public_id}/{path}")

    def fresh(self) -> Product:
        return Product.objects.get(pk=self.product.pk)

    def form(self, **fields: str) -> dict[str, str]:
        """What a decision's form sends, drawn now."""
        return {"revision": str(self.fresh().revision), **fields}


@pytest.fixture
def reviewed(people: People) -> Reviewed:  # noqa: F811
    """Version 1 was published by the worker, version 2 waits; neither has files in a store."""
    product = make_plain_product(people.shop)
    first = add_finished(product, finished(people.shop), ended=Status.PUBLISHED)
    AssetVersion.objects.filter(pk=first.pk).update(published_at=first.created_at)
    Product.objects.filter(pk=product.pk).update(published_version=first)
    second = add_finished(product, finished(people.shop))
    return Reviewed(people, product, (first, second))


@pytest.fixture
def stored(people: People, storage: object, made_mug: Made) -> Reviewed:  # noqa: F811
    """Two real mugs in the store; the first is published, the second waits."""
    product = Product.objects.create(merchant=people.shop, sku="Mug 1/2", title="Coffee mug", height=0.095)
    first = add_version(product, made_mug, ended=Status.PUBLISHED)
    publish_version(first)
    return Reviewed(people, product, (first, add_version(product, made_mug)))


@pytest.fixture
def guessed(people: People, made_shoe: Made) -> Reviewed:  # noqa: F811
    """A guessed shoe that waits, without files in a store."""
    product = Product.objects.create(merchant=people.shop, sku="SHOE", title="Canvas shoe")
    return Reviewed(people, product, (add_version(product, made_shoe, store=False),))
