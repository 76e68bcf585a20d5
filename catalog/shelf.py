"""a shop's products as people browse them: found, filtered, page by page, with what is known of each one's model"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from catalog.api.pages import make_cursor, read_cursor
from catalog.models import AssetJob, AssetVersion, Merchant, Product, Status
from catalog.products import NO_JOB, with_archived, with_latest_job, with_words
from catalog.storage import storage

ROWS = 50
LINK_SECONDS = 3600
POSTER = "poster.webp"

STATES: Mapping[str, str] = {
    "making": "Being made",
    "review": "Please review",
    "needs-you": "Needs you",
    "failed": "Failed on our side",
    "published": "Published",
    "none": "No model yet",
}
"""What products can be filtered by -> in words."""

BY_JOB: Mapping[str, str] = {
    "review": Status.NEEDS_REVIEW,
    "needs-you": Status.REJECTED,
    "failed": Status.FAILED,
    "none": NO_JOB,
}


@dataclass(frozen=True)
class Sought:
    """What somebody looks for. state: of STATES, or empty. newer, older: cursors."""

    words: str = ""
    state: str = ""
    archived: bool = False
    older: str = ""
    newer: str = ""


@dataclass(frozen=True)
class Row:
    """A product, its latest job and version, and the address of its picture; empty: there is none yet."""

    product: Product
    job: AssetJob | None
    version: AssetVersion | None
    picture: str

    @property
    def alive(self) -> bool:
        """Whether its model is being made."""
        return self.job is not None and self.job.ended_at is None


@dataclass(frozen=True)
class Shelf:
    """One page. newer, older: cursors of the pages beside it; empty where there is none."""

    rows: Sequence[Row]
    newer: str
    older: str


def browse(merchant: Merchant, sought: Sought) -> Shelf:
    """The page of products that `sought` asks for, newest first. Raises Invalid for a cursor that is none of ours."""
    found = _found(merchant, sought)
    if sought.newer:
        backwards = found.filter(pk__gt=read_cursor(sought.newer)).order_by("archived", "pk")
        products = list(backwards[: ROWS + 1])
        more_newer, more_older = len(products) > ROWS, True
        products = products[:ROWS][::-1]
    else:
        if sought.older:
            found = found.filter(pk__lt=read_cursor(sought.older))
        products = list(found[: ROWS + 1])
        more_newer, more_older = bool(sought.older), len(products) > ROWS
        products = products[:ROWS]
    newer = make_cursor(products[0].pk) if products and more_newer else ""
    older = make_cursor(products[-1].pk) if products and more_older else ""
    return Shelf(rows_of(products), newer, older)


def rows_of(products: Sequence[Product]) -> list[Row]:
    """What is known of each, in a fixed number of queries."""
    keys = [product.pk for product in products]
    jobs = _latest(AssetJob.objects.filter(product__in=keys))
    large = ("dimensions", "metrics", "certificate", "licence", "edits")
    shown = [product.published_version_id for product in products if product.published_version_id]
    published = AssetVersion.objects.defer(*large).in_bulk(shown)
    versions = _latest(AssetVersion.objects.filter(product__in=keys).defer(*large))
    rows = []
    for product in products:
        version = published.get(product.published_version_id or 0) or versions.get(product.pk)
        rows.append(Row(product, jobs.get(product.pk), versions.get(product.pk), picture_of(version)))
    return rows


def picture_of(version: AssetVersion | None) -> str:
    """Address of the version's picture: a lasting one if it is public, else one that ends in an hour."""
    for file in version.public_files if version else ():
        if file["name"] == POSTER:
            return storage().public_url(file["key"])
    for file in version.files if version else ():
        if file["name"] == POSTER:
            return storage().link(file["key"], expires_in=LINK_SECONDS)
    return ""


def _found(merchant: Merchant, sought: Sought) -> QuerySet[Product]:
    found = with_archived(with_words(merchant.products.all(), sought.words), sought.archived)
    if sought.state == "published":
        return found.filter(published_version__isnull=False)
    if sought.state == "making":
        return found.filter(Exists(AssetJob.objects.filter(product=OuterRef("pk"), ended_at__isnull=True)))
    if sought.state in BY_JOB:
        found = with_latest_job(found, BY_JOB[sought.state])
        return found.filter(published_version__isnull=True) if sought.state == "none" else found
    return found


def _latest(rows: QuerySet[Any]) -> dict[int, Any]:
    """Product -> the newest of its rows."""
    later = rows.model.objects.filter(product=OuterRef("product"), pk__gt=OuterRef("pk"))
    return {row.product_id: row for row in rows.exclude(Exists(later))}
