"""What templates need beside Django's own: states in a shopkeeper's words, sizes and times that people read"""

from collections.abc import Iterable
from datetime import timedelta

from django import template

from catalog.models import AssetJob, Product, Status

register = template.Library()

STATES = {
    Status.QUEUED: ("waiting", "Waiting"),
    Status.RUNNING: ("running", "Being made"),
    Status.NEEDS_REVIEW: ("review", "Please review"),
    Status.PUBLISHED: ("published", "Published"),
    Status.REJECTED: ("rejected", "Needs you"),
    Status.FAILED: ("failed", "Failed on our side"),
    Status.CANCELLED: ("none", "Cancelled"),
}
"""Status of a job -> (look of the badge, words)."""


@register.inclusion_tag("dashboard/_badge.html")
def status_badge(status: str) -> dict[str, str]:
    """A badge for the state of a job."""
    look, words = STATES[Status(status)]
    return {"look": look, "words": words}


@register.inclusion_tag("dashboard/_badge.html")
def product_badge(product: Product, job: AssetJob | None) -> dict[str, str]:
    """A badge for a product: its latest job's state, or that there is none."""
    if product.archived:
        return {"look": "none", "words": "Archived"}
    if job is None:
        shown = product.published_version_id is not None
        return {"look": "published", "words": "Published"} if shown else {"look": "none", "words": "No model yet"}
    return status_badge(job.status)


@register.filter
def byte_size(number: int | None) -> str:
    """1234567 -> 1.2 MB"""
    size = float(number or 0)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


@register.filter
def duration(seconds: float | None) -> str:
    """95 -> 2 minutes; 40 -> 40 seconds"""
    if seconds is None:
        return ""
    whole = round(timedelta(seconds=seconds).total_seconds())
    if whole < 60:
        return f"{whole} second{'s' * (whole != 1)}"
    minutes = round(whole / 60)
    if minutes < 90:
        return f"{minutes} minute{'s' * (minutes != 1)}"
    return f"{round(minutes / 60)} hours"


@register.filter
def millimetres(metres: float | None) -> str:
    """0.1139 -> 113.9 mm"""
    return "" if metres is None else f"{metres * 1000:.1f}".rstrip("0").rstrip(".") + " mm"


@register.filter
def at(values: Iterable[str], place: int) -> str:
    """The one at that place."""
    return list(values)[place]


@register.filter
def unlocalized(number: float) -> str:
    """As SVG has numbers, whatever the language."""
    return repr(float(number))
