"""Counts become figures, bars and tables of the shop's own products, and of nobody else's."""

import pytest

from catalog.happenings import count
from catalog.models import Happening, HappeningCount, Product
from dashboard.analytics import CHART, bars, figures
from tests.catalog.makers import make_product
from tests.dashboard.conftest import People
from tests.dashboard.test_products import make_version


@pytest.fixture
def product(people: People) -> Product:
    """Seen four times, turned once."""
    product = make_product(people.shop, photos=0)
    version = make_version(product, poster="m/a/b/poster.webp")
    type(version).objects.filter(pk=version.pk).update(published_at=version.created_at)
    Product.objects.filter(pk=product.pk).update(published_version=version, title="Lamp <i>")
    for _ in range(4):
        assert count(version.public_id, Happening.VIEW)
    assert count(version.public_id, Happening.INTERACT)
    return product


def test_members_see_figures_and_products(people: People, product: Product) -> None:
    for member in people.members:
        page = member.read(people.at("analytics"))
        assert "Lamp &lt;i&gt;" in page
        assert "25.0 % of views" in page
        assert "4 on the busiest" in page
        assert page.count("<rect") == 30


def test_one_product_is_told_version_by_version(people: People, product: Product) -> None:
    page = people.viewer.read(people.at(f"analytics/{product.public_id}?days=7"))
    assert "Version 1" in page
    assert 'data-label="Seen">4<' in page
    assert 'data-label="Turned">1<' in page


def test_days_that_are_over_do_not_count(people: People, product: Product) -> None:
    HappeningCount.objects.update(day="2020-01-01")
    assert "Nothing counted yet" in people.viewer.read(people.at("analytics?days=365"))
    assert "Nothing was counted" in people.viewer.read(people.at(f"analytics/{product.public_id}"))


def test_odd_spans_count_as_the_usual_one(people: People, product: Product) -> None:
    for text in ("0", "-1", "999999", "x", "1e9"):
        assert people.viewer.read(people.at(f"analytics?days={text}")).count("<rect") == 30


def test_strangers_see_nothing_of_it(people: People, product: Product) -> None:
    for path in ("analytics", f"analytics/{product.public_id}"):
        people.stranger.read(people.at(path), 404)
        people.nobody.read(people.at(path), 302)
    own = people.stranger.read(f"/shops/{people.other.slug}/analytics")
    assert "Nothing counted yet" in own
    people.stranger.read(f"/shops/{people.other.slug}/analytics/{product.public_id}", 404)


def test_the_busiest_day_is_as_high_as_the_chart() -> None:
    drawn = bars([(None, 0), (None, 5), (None, 10)])  # type: ignore[list-item]
    assert [bar.height for bar in drawn] == [0, CHART[1] / 2, CHART[1]]
    assert all(bar.y + bar.height == CHART[1] for bar in drawn)
    assert drawn[-1].x + drawn[-1].width <= CHART[0]
    assert bars([]) == []


def test_shares_are_of_those_who_saw_it() -> None:
    nobody = dict.fromkeys(Happening, 0)
    assert {figure.share for figure in figures(nobody)} == {None}
    seen = {**nobody, Happening.VIEW: 8, Happening.AR_START: 2}
    assert {figure.words: figure.share for figure in figures(seen)}["Placed in a room"] == 25
