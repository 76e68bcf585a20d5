"""Shoppers' doings are counted by version and day; of what nobody published nothing is kept."""

from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.happenings import KEEP_DAYS, count, forget_happenings, happenings_of, happenings_of_shop
from catalog.models import AssetVersion, Happening, HappeningCount, Product
from catalog.reconcile import reconcile
from catalog.versions import unpublish
from tests.catalog.api.world import make_version
from tests.catalog.makers import make_merchant, make_product
from tests.catalog.races import race

pytestmark = pytest.mark.django_db


@pytest.fixture
def product() -> Product:
    """A product that shows its first version."""
    product = make_product(make_merchant())
    make_version(product, 1, published=True)
    return product


def shown(product: Product) -> AssetVersion:
    version = product.published_version
    assert version is not None
    return version


def test_the_same_on_one_day_is_one_row_that_grows(product: Product) -> None:
    for _ in range(3):
        assert count(shown(product).public_id, Happening.VIEW)
    assert count(shown(product).public_id, Happening.ADD_TO_CART)
    rows = HappeningCount.objects.values_list("happening", "count", "day")
    today = timezone.now().date()
    assert set(rows) == {("view", 3, today), ("add_to_cart", 1, today)}


def test_one_statement_does_it(product: Product, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        count(shown(product).public_id, Happening.LOAD)


@pytest.mark.parametrize("how", ["unknown", "never published", "taken out", "archived"])
def test_of_what_is_not_shown_nothing_is_kept(product: Product, how: str) -> None:
    version_id = shown(product).public_id
    match how:
        case "unknown":
            version_id = "ver_nobody"
        case "never published":
            version_id = make_version(product, 2).public_id
        case "taken out":
            unpublish(product)
        case "archived":
            Product.objects.filter(pk=product.pk).update(archived=True)
    assert not count(version_id, Happening.VIEW)
    assert not HappeningCount.objects.exists()


def test_a_page_left_open_still_counts_for_the_version_that_it_shows(product: Product) -> None:
    first = shown(product)
    make_version(product, 2, published=True)
    assert count(first.public_id, Happening.INTERACT)


def test_the_dashboard_is_told_by_version_and_by_day(product: Product) -> None:
    first, second = shown(product), make_version(product, 2, published=True)
    today = timezone.now().date()
    for version, ago, happening, number in (
        (first, 3, Happening.VIEW, 5),
        (first, 0, Happening.VIEW, 2),
        (first, 0, Happening.AR_START, 1),
        (second, 0, Happening.VIEW, 4),
        (first, 30, Happening.VIEW, 100),
    ):
        HappeningCount.objects.create(version=version, day=today - timedelta(ago), happening=happening, count=number)
    newest, oldest = happenings_of(product, days=30)
    assert (newest.number, newest.version_id, newest.total[Happening.VIEW]) == (2, second.public_id, 4)
    assert (oldest.total[Happening.VIEW], oldest.total[Happening.AR_START], oldest.total[Happening.LOAD]) == (7, 1, 0)
    assert [(day, counts[Happening.VIEW]) for day, counts in oldest.days] == [(today - timedelta(3), 5), (today, 2)]


def test_a_shop_sees_its_own_products_the_most_seen_first(product: Product) -> None:
    other, foreign = make_product(product.merchant), make_product(make_merchant())
    for each, views in ((product, 1), (other, 2), (foreign, 3)):
        if each != product:
            make_version(each, 1, published=True)
        for _ in range(views):
            count(shown(each).public_id, Happening.VIEW)
    told = happenings_of_shop(product.merchant, days=7)
    assert [(each.product, each.total[Happening.VIEW]) for each in told] == [(other, 2), (product, 1)]


def test_counters_go_after_a_year_and_a_month(product: Product) -> None:
    now = timezone.now()
    for ago in (KEEP_DAYS, KEEP_DAYS + 1):
        HappeningCount.objects.create(
            version=shown(product), day=now.date() - timedelta(ago), happening=Happening.VIEW, count=1
        )
    assert reconcile(now)["happenings forgotten"] == 1
    assert HappeningCount.objects.get().day == now.date() - timedelta(KEEP_DAYS)
    assert forget_happenings(now) == 0


def test_deleting_a_version_deletes_its_counters(product: Product) -> None:
    count(shown(product).public_id, Happening.VIEW)
    product.delete()
    assert not HappeningCount.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_all_counted(product: Product) -> None:
    version_id = shown(product).public_id
    assert race(*[lambda: [count(version_id, Happening.VIEW) for _ in range(10)]] * 4) == [[True] * 10] * 4
    assert HappeningCount.objects.get().count == 40
