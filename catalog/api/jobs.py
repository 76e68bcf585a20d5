"""/products/{id}/assets and /jobs: ask for assets, follow them, decide about them"""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import context, jobs
from catalog.api.base import Json, View, to_json
from catalog.api.filters import SinceFilter
from catalog.models import AssetJob, Kind, Priority, Status
from catalog.recipe import Recipe

FEWEST_TRIANGLES, MOST_TRIANGLES = 100, 100_000
LARGE = tuple(
    f"{version}__{name}"
    for version in ("version", "source_version")
    for name in ("files", "public_files", "metrics", "certificate", "licence")
)
"""What a list of jobs need not read."""

TEXTURE_SIZES = (256, 512, 1024, 2048)
LARGEST_SEED = 2**31 - 1
PRIORITIES = {priority.name.lower(): priority for priority in Priority}


# bodies


@extend_schema_field({"anyOf": [{"type": "integer", "enum": [*TEXTURE_SIZES]}, {"type": "null"}]})
class TextureSize(serializers.ChoiceField):
    """A power of two, as a number, or null."""

    def __init__(self, **options: Any) -> None:
        super().__init__(TEXTURE_SIZES, allow_null=True, **options)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


class RecipeJson(serializers.Serializer[Any]):
    """What to make. Names of generators and profiles: see /generators."""

    quality = serializers.CharField(max_length=40, default="standard", help_text="draft, standard or high")
    generator = serializers.CharField(max_length=40, default="auto", help_text="auto: the best that fits")
    profiles = serializers.ListField(
        child=serializers.CharField(max_length=40), max_length=8, default=list, help_text="shops to be fit for"
    )
    triangles = serializers.IntegerField(
        min_value=FEWEST_TRIANGLES,
        max_value=MOST_TRIANGLES,
        allow_null=True,
        default=None,
        help_text="at most; null: as the quality says",
    )
    texture_size = TextureSize(default=None, help_text="pixels a side; null: as the quality says")
    seed = serializers.IntegerField(min_value=0, max_value=LARGEST_SEED, default=0)
    auto_publish = serializers.BooleanField(
        default=False, help_text="publish without asking where grade and certificate allow it"
    )


class AssetWish(RecipeJson):
    """A recipe, and whether somebody waits for it."""

    priority = serializers.ChoiceField(sorted(PRIORITIES), default="interactive", help_text="bulk: after the others")


class Rejection(serializers.Serializer[Any]):
    """Why what was made will not do."""

    note = serializers.CharField(max_length=500, allow_blank=True, default="")


class NoBody(serializers.Serializer[Any]):
    """Nothing to say."""


# answers


class CostJson(serializers.Serializer[Any]):
    """Seconds of processors spent."""

    cpu_seconds = serializers.FloatField()
    gpu_seconds = serializers.FloatField()


class JobListed(serializers.Serializer[AssetJob]):
    """A job without the estimates, which are made for one job at a time."""

    id = serializers.CharField(source="public_id")
    product = serializers.CharField(source="product.public_id")
    sku = serializers.CharField(source="product.sku")
    kind = serializers.ChoiceField(Kind.choices)
    source_version = serializers.CharField(
        source="source_version.public_id", default=None, allow_null=True, help_text="what an edit starts from"
    )
    edits = serializers.DictField(help_text="what an edit changes")
    status = serializers.ChoiceField(Status.choices)
    stage = serializers.CharField(help_text="the last one that began; for people")
    progress = serializers.IntegerField(min_value=0, max_value=100)
    reason = serializers.CharField(help_text="stable code of why it waits, was rejected, failed or was cancelled")
    advice = serializers.CharField(help_text="the sentence that goes with the reason")
    generator = serializers.CharField(help_text="empty until it has been chosen")
    generator_why = serializers.CharField(help_text="why that one")
    recipe = RecipeJson()
    priority = serializers.SerializerMethodField()
    cost = CostJson(source="*")
    version = serializers.CharField(
        source="version.public_id", default=None, allow_null=True, help_text="what it has made"
    )
    cancelling = serializers.SerializerMethodField(help_text="asked to stop, and about to")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)

    def get_priority(self, job: AssetJob) -> str:
        return Priority(job.priority).name.lower()

    def get_cancelling(self, job: AssetJob) -> bool:
        return job.cancel_requested_at is not None and job.ended_at is None


class JobJson(JobListed):
    """A job, and what can be said about when it ends."""

    queue_position = serializers.SerializerMethodField(help_text="1 starts next; null: it does not wait in line")
    seconds_left = serializers.SerializerMethodField(help_text="until it ends, about; null: nobody knows yet")

    def get_queue_position(self, job: AssetJob) -> int | None:
        return jobs.queue_position(job)

    def get_seconds_left(self, job: AssetJob) -> int | None:
        return jobs.seconds_left(job)


job_listed: Callable[[AssetJob], Json] = to_json(JobListed)
"""A job as lists have it."""


job_json: Callable[[AssetJob], Json] = to_json(JobJson)
"""A job as the API tells it."""


# views


class JobFilter(filters.FilterSet):
    """Which jobs."""

    status = filters.MultipleChoiceFilter(choices=Status.choices, help_text="one or several")
    product = filters.CharFilter("product__public_id")
    sku = filters.CharFilter("product__sku")
    created_since = SinceFilter("created_at", help_text="made at that moment or later")


class AssetsView(View):
    """Ask for an asset of a product."""

    @extend_schema(
        operation_id="request_asset",
        summary="Ask for an asset",
        tags=["jobs"],
        request=AssetWish,
        responses={202: JobJson},
    )
    def post(self, request: Request, id: str) -> Response:
        """Queue a job that makes the product's asset from its photos as they are now."""
        product = self.find(self.merchant.products, id)
        wish = self.parse(AssetWish)
        priority = PRIORITIES[wish.pop("priority")]
        recipe = Recipe.from_json(wish)
        job = jobs.request_asset(product, recipe, priority=priority, request_id=context.request_id.get())
        return self.show(job_json(job), status=202)


class JobsView(View):
    """The merchant's jobs."""

    filterset_class = JobFilter

    @extend_schema(operation_id="list_jobs", summary="Jobs", tags=["jobs"], responses=JobListed(many=True))
    def get(self, request: Request) -> Response:
        """Jobs, newest first."""
        rows = self.merchant.jobs.select_related("product", "version", "source_version")
        return self.show_page(rows.defer(*LARGE), job_listed)


class OneJob(View):
    """Views of one job."""

    def job(self, id: str) -> AssetJob:
        """The merchant's job with that id. Raises Http404."""
        found: AssetJob = self.find(self.merchant.jobs.select_related("product", "version", "source_version"), id)
        return found


class JobView(OneJob):
    """One job."""

    @extend_schema(operation_id="get_job", summary="A job", tags=["jobs"], responses=JobJson)
    def get(self, request: Request, id: str) -> Response:
        """How far a job is."""
        return self.show(job_json(self.job(id)))


class CancelView(OneJob):
    """Stop a job."""

    @extend_schema(operation_id="cancel_job", summary="Stop a job", tags=["jobs"], request=NoBody, responses=JobJson)
    def post(self, request: Request, id: str) -> Response:
        """Stop a job: at once while it waits, within seconds while it runs."""
        job = self.job(id)
        self.parse(NoBody)
        return self.show(job_json(jobs.cancel_job(job)))


class RetryView(OneJob):
    """Try again."""

    @extend_schema(
        operation_id="retry_job", summary="Try a job again", tags=["jobs"], request=NoBody, responses={202: JobJson}
    )
    def post(self, request: Request, id: str) -> Response:
        """Queue a rejected, failed or cancelled job again; what it has made so far is used where it still fits."""
        job = self.job(id)
        self.parse(NoBody)
        return self.show(job_json(jobs.retry_job(job)), status=202)


class ApproveView(OneJob):
    """Take what was made."""

    takes_if_match = True

    @extend_schema(
        operation_id="approve_job",
        summary="Publish what a job has made",
        tags=["jobs"],
        request=NoBody,
        responses=JobJson,
    )
    def post(self, request: Request, id: str) -> Response:
        """Publish what a job that waits for review has made. `If-Match` takes the ETag of the job."""
        job = self.job(id)
        self.parse(NoBody)
        return self.show(job_json(jobs.approve_job(job, check=self.unchanged(job_json))))


class RejectView(OneJob):
    """Turn down what was made."""

    takes_if_match = True

    @extend_schema(
        operation_id="reject_job",
        summary="Turn down what a job has made",
        tags=["jobs"],
        request=Rejection,
        responses=JobJson,
    )
    def post(self, request: Request, id: str) -> Response:
        """Turn down what a job that waits for review has made. `If-Match` takes the ETag of the job."""
        job = self.job(id)
        note = self.parse(Rejection)["note"]
        return self.show(job_json(jobs.reject_job(job, note, check=self.unchanged(job_json))))


routes: list[URLPattern] = [
    path("products/<str:id>/assets", AssetsView.as_view()),
    path("jobs", JobsView.as_view()),
    path("jobs/<str:id>", JobView.as_view()),
    path("jobs/<str:id>/cancel", CancelView.as_view()),
    path("jobs/<str:id>/retry", RetryView.as_view()),
    path("jobs/<str:id>/approve", ApproveView.as_view()),
    path("jobs/<str:id>/reject", RejectView.as_view()),
]
