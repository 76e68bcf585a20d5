"""An asset being made: the state machine as a table, and everything that happened."""

from collections.abc import Mapping
from typing import ClassVar

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from catalog.errors import IllegalTransition, LostRace
from catalog.models.ids import job_id
from catalog.models.merchants import Merchant
from catalog.models.products import Product
from catalog.models.usage import count_usage


class Status(models.TextChoices):
    """A job's life. `rejected`: the merchant must act. `failed`: we must."""

    QUEUED = "queued", "waiting"
    RUNNING = "running", "being made"
    NEEDS_REVIEW = "needs_review", "to be looked at"
    PUBLISHED = "published", "published"
    REJECTED = "rejected", "rejected"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


class Group(models.TextChoices):
    """The groups of stages that run as one task, each ending in a checkpoint."""

    PREPARE = "prepare", "prepare"
    GENERATE = "generate", "generate"
    FINISH = "finish", "finish"


class Kind(models.TextChoices):
    """What a job starts from: the product's photos, one of its versions, or a model that the merchant uploaded."""

    MAKE = "make", "from photos"
    EDIT = "edit", "from a version"
    UPLOAD = "upload", "from an uploaded model"


class Priority(models.IntegerChoices):
    """Lower goes first: somebody waits for the one, nobody for the other."""

    INTERACTIVE = 0, "interactive"
    BULK = 1, "bulk"


ACTIVE = (Status.QUEUED, Status.RUNNING)


class AssetJob(models.Model):
    """A request to make a product's asset, and how far it is.

    merchant: the product's, kept here too so that lists and the dispatcher's turns stay one index lookup.
    kind: all but MAKE begin with the group `finish`. source_version: what EDIT starts from; edits: what it changes, as
    `catalog.edits.Edits` in JSON. source_key: where the model of UPLOAD lies.
    recipe: `catalog.recipe.Recipe` as JSON. group: the task that comes next or runs now. stage and progress (0..100)
    are for people. generator, generator_why: filled in by `prepare`. queue: where the task of `group` goes.

    The lease: `lease` is a random token of the worker that holds the job until `lease_expires_at`; None: nobody does.
    released_at: when the dispatcher last sent a message for `group`; None: waits its turn. retry_at: not before then.
    waiting_since: when it last began to wait for a worker, for the first time, for its next group or once more.
    lost_leases: in this group; the third ends the job. attempts: of this group that ended in something being away.
    cancel_requested_at: asks the worker that holds the lease to stop.
    prepared_key, generated_key: checkpoints. inputs: a hash of the photos and facts that they were made from.
    cpu_seconds, gpu_seconds: spent so far. ended_at: None as long as the job is active.
    reason: a stable code of why it is rejected, failed, cancelled or waiting; advice: the sentence that goes with it.
    """

    NEXT: ClassVar[Mapping[Status, frozenset[Status]]] = {
        Status.QUEUED: frozenset({Status.RUNNING, Status.CANCELLED, Status.FAILED, Status.REJECTED}),
        Status.RUNNING: frozenset(
            {
                Status.QUEUED,
                Status.NEEDS_REVIEW,
                Status.PUBLISHED,
                Status.REJECTED,
                Status.FAILED,
                Status.CANCELLED,
            }
        ),
        Status.NEEDS_REVIEW: frozenset({Status.PUBLISHED, Status.REJECTED}),
        Status.PUBLISHED: frozenset(),
        Status.REJECTED: frozenset({Status.QUEUED}),
        Status.FAILED: frozenset({Status.QUEUED}),
        Status.CANCELLED: frozenset({Status.QUEUED}),
    }

    public_id = models.CharField(max_length=24, unique=True, default=job_id, editable=False)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="jobs")
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.MAKE)
    source_version = models.ForeignKey(
        "catalog.AssetVersion", on_delete=models.SET_NULL, null=True, blank=True, related_name="edit_jobs"
    )
    source_key = models.CharField(max_length=300, blank=True)
    edits = models.JSONField(default=dict, blank=True)
    recipe = models.JSONField()
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.INTERACTIVE)
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    reason = models.CharField(max_length=60, blank=True)
    advice = models.CharField(max_length=500, blank=True)
    group = models.CharField(max_length=8, choices=Group, default=Group.PREPARE)
    stage = models.CharField(max_length=20, blank=True)
    progress = models.PositiveSmallIntegerField(default=0)
    queue = models.CharField(max_length=12, default="cpu")
    generator = models.CharField(max_length=40, blank=True)
    generator_why = models.CharField(max_length=500, blank=True)
    prepared_key = models.CharField(max_length=300, blank=True)
    generated_key = models.CharField(max_length=300, blank=True)
    inputs = models.CharField(max_length=64, blank=True)
    version = models.OneToOneField(
        "catalog.AssetVersion", on_delete=models.SET_NULL, null=True, blank=True, related_name="job"
    )
    released_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    waiting_since = models.DateTimeField(default=timezone.now)
    lease = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=120, blank=True)
    lost_leases = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    cancel_requested_at = models.DateTimeField(null=True)
    cpu_seconds = models.FloatField(default=0)
    gpu_seconds = models.FloatField(default=0)
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["product"], condition=Q(status__in=ACTIVE), name="job_one_active_per_product"
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="job_status_known"),
            models.CheckConstraint(condition=Q(group__in=Group.values), name="job_group_known"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="job_kind_known"),
            models.CheckConstraint(condition=Q(progress__lte=100), name="job_progress_at_most_100"),
            models.CheckConstraint(
                condition=Q(lease__isnull=True, lease_expires_at__isnull=True)
                | Q(lease__isnull=False, lease_expires_at__isnull=False),
                name="job_lease_whole",
            ),
            models.CheckConstraint(
                condition=Q(status__in=ACTIVE, ended_at__isnull=True)
                | (~Q(status__in=ACTIVE) & Q(ended_at__isnull=False)),
                name="job_ended_at_if_ended",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.PUBLISHED) | Q(version__isnull=False), name="job_published_has_version"
            ),
        ]
        # The conditions ask for nulls, or for what is not empty: SQLite uses such an index where a query asks for the
        # same, so that queries by these keys leave out empty ones, which is all that keeps them from reading every job.
        indexes = [
            models.Index(
                fields=["queue", "priority", "status", "merchant", "id"],
                condition=Q(ended_at__isnull=True, released_at__isnull=True, retry_at__isnull=True),
                name="job_waiting",
            ),
            models.Index(
                fields=["queue", "released_at"],
                condition=Q(ended_at__isnull=True, released_at__isnull=False),
                name="job_released",
            ),
            models.Index(fields=["retry_at"], condition=Q(retry_at__isnull=False), name="job_retry"),
            models.Index(fields=["lease_expires_at"], condition=Q(lease__isnull=False), name="job_held"),
            models.Index(
                fields=["group", "waiting_since"],
                condition=Q(ended_at__isnull=True, lease__isnull=True),
                name="job_waiting_since",
            ),
            models.Index(fields=["status", "stage"], condition=Q(ended_at__isnull=True), name="job_active"),
            models.Index(fields=["ended_at"], condition=~Q(prepared_key=""), name="job_checkpoints"),
            models.Index(fields=["prepared_key"], condition=~Q(prepared_key=""), name="job_prepared"),
            models.Index(fields=["generated_key"], condition=~Q(generated_key=""), name="job_generated"),
            models.Index(fields=["ended_at"], condition=~Q(source_key=""), name="job_models"),
            models.Index(fields=["source_key"], condition=~Q(source_key=""), name="job_source"),
            models.Index(fields=["merchant", "-id"], name="job_list"),
            models.Index(fields=["product", "-id"], name="job_list_of_product"),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} ({self.status})"

    @transaction.atomic
    def move_to(self, status: Status, *, reason: str = "", advice: str = "", **fields: object) -> None:
        """The only way to change `status`; writes `fields`, the job's event and, at an end, usage in one transaction.

        Raises IllegalTransition (our bug) or LostRace (somebody moved it first; nothing has changed).
        """
        old = Status(self.status)
        if status not in self.NEXT[old]:
            raise IllegalTransition(f"{self.public_id}: {old} -> {status}")
        changes = {"status": status, "reason": reason, "advice": advice[:500], **fields}
        if status == Status.QUEUED:
            changes["waiting_since"] = timezone.now()
        if status in ACTIVE:
            changes["ended_at"] = None
        else:
            changes |= {"lease": None, "lease_expires_at": None, "retry_at": None, "ended_at": timezone.now()}
        if not AssetJob.objects.filter(pk=self.pk, status=old).update(**changes):
            raise LostRace(f"{self.public_id} is no longer {old}")
        for name, value in changes.items():
            setattr(self, name, value)
        self.record("status", text=self.advice)
        if status not in ACTIVE:
            count_usage(self.merchant_id, self.generator, {"ended": 1}, ended_as=status)

    def record(self, kind: str, *, text: str = "", seconds: float | None = None) -> "JobEvent":
        """Add one line to what happened: `kind` is "status", "stage", "lease" or "note"."""
        return self.events.create(
            kind=kind, status=self.status, stage=self.stage, reason=self.reason, text=text, seconds=seconds
        )


class JobEvent(models.Model):
    """One line of what happened to a job; its number is the id of the server-sent event.

    kind: "status", "stage" (one began, or ended with its seconds), "lease" or "note".
    """

    job = models.ForeignKey(AssetJob, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    kind = models.CharField(max_length=8)
    status = models.CharField(max_length=12, choices=Status)
    stage = models.CharField(max_length=20, blank=True)
    reason = models.CharField(max_length=60, blank=True)
    text = models.CharField(max_length=500, blank=True)
    seconds = models.FloatField(null=True)

    class Meta:
        indexes = [models.Index(fields=["job", "id"], name="event_list")]

    def __str__(self) -> str:
        return f"{self.kind} {self.status} {self.stage}"
