"""The back room, for our own staff: what there is, found by its id; changed through the catalogue's functions alone

Tables may have millions of rows: lists count no further than they have to, and search by whole ids, which have indexes.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import cached_property

from catalog.errors import Away, LostRace, Refused
from catalog.jobs import cancel_job, retry_job
from catalog.models import (
    ApiKey,
    AssetJob,
    AssetVersion,
    Invitation,
    JobEvent,
    Member,
    Merchant,
    Photo,
    Product,
    Status,
    Worker,
)
from catalog.workers import LIVE_SECONDS

ROWS = 50
MOST_COUNTED = 10_000


class StaffSite(admin.AdminSite):
    """Django's admin behind our own sign-in, which counts attempts; to everybody else it does not exist."""

    site_header = site_title = "Plinth staff"
    index_title = "What there is"
    enable_nav_sidebar = False

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.user.is_authenticated:
            raise Http404
        return redirect_to_login(request.GET.get("next") or request.get_full_path())


class ShortCount(Paginator):
    """Pages of a list that is counted up to MOST_COUNTED: what lies beyond is found by its id."""

    @cached_property
    def count(self) -> int:
        assert isinstance(self.object_list, QuerySet), "the admin lists rows"
        return self.object_list.order_by()[:MOST_COUNTED].count()


class Found(admin.ModelAdmin):
    """Rows to look at. found_by: how an id begins -> the field it is looked for in; "" stands for everything else."""

    found_by: ClassVar[Mapping[str, str]] = {}
    list_per_page = ROWS
    list_max_show_all = ROWS
    show_full_result_count = False
    paginator = ShortCount
    ordering = ("-pk",)
    search_fields = ("public_id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        if "\0" in text:
            return queryset.none(), False
        start = next((start for start in self.found_by if start and text.startswith(start)), "")
        field = self.found_by.get(start)
        return (queryset.filter(**{field: text}) if field else queryset.none()), False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Whether they may use actions that change rows: those who may change them by Django's permissions."""
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")


class Beside(admin.TabularInline):
    """Rows that belong to the one that is looked at."""

    template = "admin/beside.html"
    extra = 0
    can_delete = False
    show_change_link = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class Members(Beside):
    """Who acts for a shop."""

    model = Member
    fields = ("user", "role", "created_at")


class ApiKeys(Beside):
    """The keys of a shop, without what would open anything."""

    model = ApiKey
    fields = ("public_id", "name", "prefix", "may_write", "created_at", "last_used_at", "revoked_at")


class Invitations(Beside):
    """Who has been invited to a shop."""

    model = Invitation
    fields = ("public_id", "email", "role", "invited_by", "created_at", "expires_at", "accepted_at", "withdrawn_at")


class Photos(Beside):
    """The photos of a product."""

    model = Photo
    fields = ("public_id", "name", "view", "state", "reject_code", "bytes", "width", "height", "created_at")


class Events(Beside):
    """What happened to a job."""

    model = JobEvent
    fields = ("at", "kind", "status", "stage", "seconds", "reason", "text")
    ordering = ("pk",)


class MerchantAdmin(Found):
    """Shops."""

    list_display = ("name", "slug", "public_id", "country", "revenue", "created_at")
    list_filter = ("revenue",)
    found_by: ClassVar[Mapping[str, str]] = {"mer_": "public_id", "": "slug"}
    search_help_text = "An id (mer_…) or a slug."
    inlines = (Members, Invitations, ApiKeys)


class MemberAdmin(Found):
    """People in shops."""

    list_display = ("user", "merchant", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "merchant")
    found_by: ClassVar[Mapping[str, str]] = {"mer_": "merchant__public_id", "": "user__username"}
    search_help_text = "A shop's id (mer_…) or somebody's e-mail address."


class ProductAdmin(Found):
    """What is sold."""

    list_display = ("title", "sku", "merchant", "archived", "public_id", "updated_at")
    list_filter = ("archived",)
    list_select_related = ("merchant",)
    found_by: ClassVar[Mapping[str, str]] = {"prd_": "public_id", "mer_": "merchant__public_id"}
    search_help_text = "A product's id (prd_…) or its shop's (mer_…)."
    inlines = (Photos,)


class Lately(admin.SimpleListFilter):
    """Jobs that somebody should look at."""

    title = "what to look at"
    parameter_name = "look"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("active", "not ended yet"), ("failed", "failed within a week"), ("held", "held by a worker")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "active":
                return queryset.filter(ended_at__isnull=True)
            case "held":
                return queryset.filter(lease__isnull=False)
            case "failed":
                week = timezone.now() - timedelta(days=7)
                return queryset.filter(status=Status.FAILED, ended_at__gte=week)
        return queryset


class JobAdmin(Found):
    """Jobs with what happened to them; retried and cancelled as their merchants could."""

    list_display = ("public_id", "status", "kind", "stage", "progress", "reason", "queue", "product", "created_at")
    list_filter = (Lately, "status", "kind", "group")
    list_select_related = ("product",)
    exclude = ("lease", "source_key")
    found_by: ClassVar[Mapping[str, str]] = {
        "job_": "public_id",
        "prd_": "product__public_id",
        "mer_": "merchant__public_id",
        "ver_": "version__public_id",
    }
    search_help_text = "An id: of the job (job_…), its product (prd_…), shop (mer_…) or version (ver_…)."
    inlines = (Events,)
    actions = ("retry", "cancel")

    @admin.action(description="Try again", permissions=["act"])
    def retry(self, request: HttpRequest, jobs: QuerySet[AssetJob]) -> None:
        """Queue rejected, failed and cancelled jobs again."""
        self._each(request, jobs, retry_job)

    @admin.action(description="Cancel", permissions=["act"])
    def cancel(self, request: HttpRequest, jobs: QuerySet[AssetJob]) -> None:
        """Stop jobs that have not ended."""
        self._each(request, jobs, cancel_job)

    def _each(self, request: HttpRequest, jobs: QuerySet[AssetJob], act: Callable[[AssetJob], AssetJob]) -> None:
        for job in jobs.select_related("product", "merchant").order_by("pk")[:ROWS]:
            try:
                job = act(job)
                job.record("note", text=f"{act.__name__} by staff: user {request.user.pk}")
                messages.success(request, f"{job.public_id} is {Status(job.status).label}.")
            except (Refused, Away) as error:
                messages.error(request, f"{job.public_id}: {error.message}")
            except LostRace:
                messages.error(request, f"{job.public_id} has changed at the same moment.")


class VersionAdmin(Found):
    """Finished models."""

    list_display = ("public_id", "product", "number", "origin", "grade", "generator", "published_at", "created_at")
    list_filter = ("grade", "origin")
    list_select_related = ("product",)
    found_by: ClassVar[Mapping[str, str]] = {"ver_": "public_id", "prd_": "product__public_id"}
    search_help_text = "A version's id (ver_…) or its product's (prd_…)."


class WorkerAdmin(Found):
    """Worker processes and whether they live."""

    list_display = ("name", "lives", "queues", "slots", "started_at", "last_seen_at")
    ordering = ("-last_seen_at",)
    found_by: ClassVar[Mapping[str, str]] = {"": "name"}
    search_help_text = "A worker's whole name."

    @admin.display(boolean=True)
    def lives(self, worker: Worker) -> bool:
        """Whether it has given a sign of life lately."""
        return worker.last_seen_at > timezone.now() - timedelta(seconds=LIVE_SECONDS)


site = StaffSite(name="staff")
site.register(Merchant, MerchantAdmin)
site.register(Member, MemberAdmin)
site.register(Product, ProductAdmin)
site.register(AssetJob, JobAdmin)
site.register(AssetVersion, VersionAdmin)
site.register(Worker, WorkerAdmin)
