"""How far a product's model is, as it happens: a stream of the page's own part, and the part itself for who polls"""

from dataclasses import dataclass
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from catalog import jobs
from catalog.api.events import PLACE_SECONDS, Watch, as_events, message, stream, take_place
from catalog.models import AssetJob, AssetVersion, Kind, Product, Status
from catalog.shelf import picture_of
from catalog.versions import needs_a_look
from catalog.workers import slots_of
from dashboard.access import Access, access_now, member_page, page
from dashboard.product.words import GRADES, WHAT_TO_DO, kind_words, phases_of, stage_words
from dashboard.templatetags.dashboard import duration

PART = "dashboard/product_model.html"


def panel_context(access: Access, product: Product) -> dict[str, Any]:
    """The latest job of the product, and the latest version."""
    product = access.product(product.public_id)
    rows = product.jobs.select_related("version", "product").order_by("-pk")
    job = rows.first()
    version = product.versions.order_by("-number").first()
    shown: dict[str, Any] = {"access": access, "product": product, "job": job, "version": version}
    if version is not None:
        shown |= version_context(product, version)
    if job is not None:
        shown |= job_context(product, job)
    return shown


def version_context(product: Product, version: AssetVersion) -> dict[str, Any]:
    """The picture and the grade of a version."""
    heading, words = GRADES.get(version.grade, (f"Grade {version.grade}", ""))
    reasons = [str(reason) for reason in version.certificate.get("reasons", [])]
    shown = product.published_version_id == version.pk
    return {
        "poster": picture_of(version),
        "grade": heading,
        "grade_words": words,
        "reasons": reasons,
        "is_shown": shown,
        "needs_a_look": needs_a_look(version),
        "metres": [version.dimensions.get(side) for side in ("width", "height", "depth")],
    }


def job_context(product: Product, job: AssetJob) -> dict[str, Any]:
    """A job in words."""
    alive = job.ended_at is None
    shown: dict[str, Any] = {"alive": alive, "stage": stage_words(job), "kind": kind_words(job)}
    if alive:
        shown |= {"phases": phases_of(job), "working": bool(slots_of(job.queue)), **estimates(job)}
    if job.status == Status.REJECTED:
        shown["what_to_do"] = WHAT_TO_DO.get(job.reason, "")
        shown["blamed"] = next(
            (photo for photo in product.photos.all() if job.advice.startswith(f"{photo.name}:")), None
        )
    shown["may_retry"] = not alive and Status.QUEUED in AssetJob.NEXT[Status(job.status)]
    shown["may_publish"] = job.status == Status.NEEDS_REVIEW and job.version_id is not None and not product.archived
    shown["from_photos"] = job.kind == Kind.MAKE
    return shown


def estimates(job: AssetJob) -> dict[str, Any]:
    """The place in the queue and the time left."""
    place = jobs.queue_position(job)
    return {"place": place, "left": duration(jobs.seconds_left(job))}


@require_safe
@member_page
def panel(request: HttpRequest, access: Access, product_id: str) -> HttpResponse:
    """The part itself, for a page whose stream does not come through."""
    request.quiet = True  # type: ignore[attr-defined]
    return page(request, access, PART, {**panel_context(access, access.product(product_id)), "oob": True})


@require_safe
@member_page
def events(request: HttpRequest, access: Access, product_id: str, job_id: str) -> HttpResponse:
    """The part whenever it changes, and figures in between, until the job has ended.

    Over WSGI it tells how things are and ends; EventSource then comes again.
    """
    job = get_object_or_404(access.product(product_id).jobs, public_id=job_id)
    watch = PanelWatch(job.pk, after=0, request=request, access=access)
    if not hasattr(request, "scope"):
        return cast(HttpResponse, as_events(HttpResponse(watch.look())))
    place = take_place(f"user_{access.user.pk}")
    if place is None:  # the page polls then
        return HttpResponse(status=429, headers={"Retry-After": str(PLACE_SECONDS)})
    answer: HttpResponseBase = as_events(StreamingHttpResponse(stream(watch, place)))
    return cast(HttpResponse, answer)


@dataclass
class PanelWatch(Watch):
    """What a page has been told of a job: `panel` with the whole part, `progress` when only figures have changed."""

    request: HttpRequest | None = None
    access: Access | None = None
    figures: tuple[object, ...] = ()

    def look(self) -> str:
        """What is new."""
        assert self.request is not None and self.access is not None, "the view gives both"
        access = self.access = access_now(self.access)
        job = AssetJob.objects.select_related("product", "version").filter(pk=self.job_pk).first()
        if job is None or access is None:
            self.over = True
            return message("gone", {})
        self.over = job.ended_at is not None
        product = job.product
        working = bool(slots_of(job.queue))
        told = (job.status, job.stage, job.reason, job.lease is None, job.retry_at, job.cancel_requested_at)
        seen = (*told, working, access.role)
        if seen != self.seen:
            self.seen = seen
            shown = {**panel_context(access, product), "oob": True}
            return message("panel", {"html": render_to_string(PART, shown, self.request)})
        progress = {"progress": job.progress, **estimates(job)}
        if (figures := tuple(progress.values())) == self.figures:
            return ""
        self.figures = figures
        return message("progress", progress)
