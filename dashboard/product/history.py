"""What has been asked for so far, and what happened to it"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from catalog.models import Product
from dashboard.access import Access, member_page, page
from dashboard.product.making import find_job
from dashboard.product.words import event_words, kind_words

JOBS = 10
EVENTS = 300


def history_context(product: Product) -> dict[str, Any]:
    """The last jobs, newest first."""
    rows = product.jobs.select_related("version").order_by("-pk")[: JOBS + 1]
    jobs = [(job, kind_words(job)) for job in rows]
    return {"product": product, "jobs": jobs[:JOBS], "more_jobs": len(jobs) > JOBS}


@require_safe
@member_page
def jobs(request: HttpRequest, access: Access, product_id: str) -> HttpResponse:
    """The list, after a job has begun or ended."""
    request.quiet = True  # type: ignore[attr-defined]
    return page(request, access, "dashboard/product_history.html", history_context(access.product(product_id)))


@require_safe
@member_page
def story(request: HttpRequest, access: Access, product_id: str, job_id: str) -> HttpResponse:
    """Everything that happened to one job."""
    job = find_job(access.product(product_id), job_id)
    lines = [(event, event_words(event)) for event in job.events.order_by("pk")[:EVENTS]]
    return page(request, access, "dashboard/product_story.html", {"job": job, "lines": lines, "kind": kind_words(job)})
