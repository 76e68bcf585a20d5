"""Where a version stands: in the shop, waiting for somebody, or neither; and what may be done with it now"""

from dataclasses import dataclass
from datetime import datetime

from catalog.models import AssetJob, AssetVersion, JobEvent, Product, Status

LOOKS = {
    "shown": ("published", "In your shop"),
    "review": ("review", "Please review"),
    "rejected": ("rejected", "Turned down"),
    "earlier": ("none", "Was in your shop"),
    "unpublished": ("none", "Not in your shop"),
}
"""Standing -> look of its badge, and words."""


@dataclass(frozen=True)
class Standing:
    """state: a key of LOOKS. since: of being in the shop. before: what going back would show. note: of a rejection."""

    state: str
    since: datetime | None
    before: AssetVersion | None
    note: str
    archived: bool

    @property
    def look(self) -> str:
        return LOOKS[self.state][0]

    @property
    def words(self) -> str:
        return LOOKS[self.state][1]

    @property
    def may_publish(self) -> bool:
        """Whether it could be shown, and is not."""
        return not self.archived and self.state in {"review", "earlier", "unpublished"}


def standing_of(product: Product, version: AssetVersion) -> Standing:
    """Where `version` stands now."""
    job = job_of(version)
    shown = product.published_version_id == version.pk
    return Standing(
        state=_state(version, job, shown=shown),
        since=shown_since(version) if shown else None,
        before=_before(product, version) if shown else None,
        note=job.advice if job and job.status == Status.REJECTED else "",
        archived=product.archived,
    )


def job_of(version: AssetVersion) -> AssetJob | None:
    """The job that made it, as long as that is kept."""
    return getattr(version, "job", None)


def shown_since(version: AssetVersion) -> datetime | None:
    """When the shop began to show the version that it shows: published, or published again, whichever was last."""
    shows = JobEvent.objects.filter(job__version=version, status=Status.PUBLISHED, kind__in=("status", "note"))
    last = shows.order_by("-pk").values_list("at", flat=True).first()
    return max(filter(None, (last, version.published_at)), default=None)


def _before(product: Product, version: AssetVersion) -> AssetVersion | None:
    """What `catalog.versions.roll_back` would show instead."""
    earlier = product.versions.filter(published_at__isnull=False, number__lt=version.number)
    return earlier.order_by("-number").first()


def _state(version: AssetVersion, job: AssetJob | None, *, shown: bool) -> str:
    if shown:
        return "shown"
    if job is not None and job.status == Status.NEEDS_REVIEW:
        return "review"
    if job is not None and job.status == Status.REJECTED:
        return "rejected"
    return "earlier" if version.published_at else "unpublished"
