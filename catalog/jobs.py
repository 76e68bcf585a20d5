"""What people and programs do with jobs: ask for an asset, cancel, retry, approve, reject; and when it will be ready"""

from collections.abc import Collection
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog import queue as messages
from catalog.checks import Check, anything
from catalog.dispatch import release_after_commit, released_in, waiting_in
from catalog.errors import Conflict, Invalid, LostRace
from catalog.held_jobs import CANCELLED_BY_MERCHANT
from catalog.inputs import USABLE, fingerprint
from catalog.models import AssetJob, Group, Kind, PhotoState, Priority, Product, StageTotal, Status
from catalog.recipe import Recipe
from catalog.spending import group_totals
from catalog.versions import publish_version, refuse_archived
from catalog.workers import known_generators, known_names, slots_of

REJECTED_IN_REVIEW = "review_rejected"
MOST_COUNTED = 2_000
"""Jobs counted for a place in the queue at most; what waits behind more of them is told no place."""


def request_asset(
    product: Product, recipe: Recipe, *, priority: Priority = Priority.INTERACTIVE, request_id: str = ""
) -> AssetJob:
    """Queue a new asset for `product`.

    Raises Invalid ("no_photos", "unknown_generator", "generator_unavailable", "unknown_quality", "unknown_profile",
    "bad_value") or Conflict ("product_archived", "photos_not_ready", "already_running").
    """
    check_recipe(recipe)
    refuse_archived(product)
    _refuse_without_photos(product)
    return queue_job(product, recipe, priority=priority, request_id=request_id)


def queue_job(product: Product, recipe: Recipe, *, request_id: str = "", **fields: Any) -> AssetJob:
    """Queue a job of any kind, its other `fields` as given. Raises Conflict ("already_running") or LostRace."""
    try:
        with transaction.atomic():
            job = AssetJob.objects.create(
                product=product,
                merchant_id=product.merchant_id,
                recipe=recipe.as_json(),
                request_id=request_id[:64],
                **fields,
            )
            job.record("status")
            release_after_commit()
    except IntegrityError:
        refuse_second(product)
        if not Product.objects.filter(pk=product.pk).exists():
            raise LostRace("the product has been deleted") from None
        raise
    return job


def check_recipe(recipe: Recipe) -> None:
    """Raises Invalid, naming the field, when no worker could make that; as long as none is known, names pass."""
    generators = known_generators()
    if recipe.generator != "auto" and generators:
        spec = generators.get(recipe.generator)
        if spec is None:
            raise _invalid("unknown_generator", "generator", f"There is no generator {recipe.generator!r}.")
        if not spec.get("runs_here", True):
            raise _invalid("generator_unavailable", "generator", f"{recipe.generator} cannot run here now.")
    if (qualities := known_names("qualities")) and recipe.quality not in qualities:
        raise _invalid("unknown_quality", "quality", _choose("quality", recipe.quality, qualities))
    profiles = known_names("profiles")
    for name in recipe.profiles if profiles else ():
        if name not in profiles:
            raise _invalid("unknown_profile", "profiles", _choose("profile", name, profiles))
    for field, value in (("triangles", recipe.triangles), ("texture_size", recipe.texture_size), ("seed", recipe.seed)):
        if value is not None and value < (0 if field == "seed" else 1):
            raise _invalid("bad_value", field, f"{field} must be a whole number above 0.")


def cancel_job(job: AssetJob) -> AssetJob:
    """Stop the job: at once where no worker holds it, otherwise its worker stops within seconds.

    Raises Conflict ("not_possible_now") when it has ended. Asking twice changes nothing.
    """
    with transaction.atomic():
        job = _locked(job)
        if job.ended_at:
            raise _not_possible(job, "cancelled")
        if job.lease is None:
            job.move_to(Status.CANCELLED, reason=CANCELLED_BY_MERCHANT)
            release_after_commit()
        elif job.cancel_requested_at is None:
            job.cancel_requested_at = timezone.now()
            job.save(update_fields=["cancel_requested_at"])
            job.record("note", text="Cancellation asked for.")
    return job


def retry_job(job: AssetJob) -> AssetJob:
    """Queue a rejected, failed or cancelled job again, at the newest checkpoint that fits the product as it is now.

    Raises Conflict ("not_possible_now", "product_archived", "already_running", "source_gone") or Invalid ("no_photos").
    """
    refuse_archived(job.product)
    _refuse_without_source(job)
    try:
        with transaction.atomic():
            job = _locked(job)
            if Status.QUEUED not in AssetJob.NEXT[Status(job.status)] or not job.ended_at:
                raise _not_possible(job, "retried")
            job.move_to(Status.QUEUED, **_fresh_start(job))
            release_after_commit()
    except IntegrityError:
        refuse_second(job.product)
        raise
    return job


def approve_job(job: AssetJob, *, check: Check = anything) -> AssetJob:
    """Publish what the job has made. Raises Conflict ("not_possible_now", "product_archived"), or Away."""
    job = AssetJob.objects.select_related("version__product__merchant").get(pk=job.pk)
    check(job)  # before anything is copied, and once more under the lock
    if job.status != Status.NEEDS_REVIEW or job.version is None:
        raise _not_possible(job, "approved")
    publish_version(job.version, check_job=check)
    job.refresh_from_db()
    return job


def reject_job(job: AssetJob, note: str = "", *, check: Check = anything) -> AssetJob:
    """Turn down what the job has made; `note` says why. Raises Conflict ("not_possible_now")."""
    with transaction.atomic():
        job = _locked(job)
        check(job)
        if job.status != Status.NEEDS_REVIEW:
            raise _not_possible(job, "rejected")
        job.move_to(Status.REJECTED, reason=REJECTED_IN_REVIEW, advice=note)
    return job


def queue_position(job: AssetJob) -> int | None:
    """1 for the job that starts next; None when it does not wait, waits for a time, or too many wait to count.

    An estimate as of now: merchants take turns, and interactive jobs yet to come go before bulk ones.
    """
    if job.ended_at or job.lease or job.retry_at:
        return None
    sent = released_in(job.queue).filter(lease=None)
    if job.released_at is not None:
        return 1 + sum(
            1 for at_and_pk in sent.values_list("released_at", "pk") if at_and_pk < (job.released_at, job.pk)
        )
    waiting = waiting_in(job.queue)
    urgent = list(waiting.filter(priority__lt=job.priority).values_list("pk", flat=True)[:MOST_COUNTED])
    peers = waiting.filter(priority=job.priority)
    going_on = set(peers.filter(status=Status.RUNNING).values_list("pk", flat=True))
    ahead = sent.count() + len(urgent) + sum(1 for pk in going_on if pk < job.pk or job.status == Status.QUEUED)
    if job.status == Status.RUNNING:
        return 1 + ahead
    starting = peers.filter(status=Status.QUEUED).order_by("merchant_id", "id")
    turns = list(starting.values_list("merchant_id", "pk")[:MOST_COUNTED])
    if MOST_COUNTED in {len(urgent), len(turns)}:
        return None
    return 1 + ahead + _before_in_turns(job, turns)


def seconds_left(job: AssetJob) -> int | None:
    """How long until the job ends, from what jobs of its quality took on average; None when that is not known yet."""
    if job.ended_at:
        return None
    names = group_totals(job)
    totals = StageTotal.objects.filter(stage__in=names, count__gt=0)
    means = [total.seconds / total.count for total in totals]
    slots = slots_of(job.queue)
    if len(means) < len(names) or not slots:
        return None
    left = sum(means) * (100 - job.progress) / 100
    if job.lease is None:
        position = queue_position(job)
        if position is None:
            return None
        left += (position - 1) * sum(means) / slots
    return round(left)


def _before_in_turns(job: AssetJob, waiting: Collection[tuple[int, int]]) -> int:
    """How many of `waiting` (merchant, job) come before `job` when merchants take turns.

    Of each other merchant about as many as of its own: those that come with the turns before its own.
    """
    own = sum(1 for merchant, pk in waiting if merchant == job.merchant_id and pk < job.pk)
    counts: dict[int, int] = {}
    for merchant, _ in waiting:
        counts[merchant] = counts.get(merchant, 0) + 1
    return own + sum(min(count, own + 1) for merchant, count in counts.items() if merchant != job.merchant_id)


def _fresh_start(job: AssetJob) -> dict[str, Any]:
    """What a retry resets. Checkpoints, and a version not rejected, fit as long as photos and facts are the same."""
    fields: dict[str, Any] = {
        "retry_at": None,
        "released_at": None,
        "cancel_requested_at": None,
        "started_at": None,
        "worker": "",
        "lost_leases": 0,
        "attempts": 0,
    }
    generator = known_generators().get(job.generator, {})
    same = job.kind != Kind.MAKE or job.inputs == fingerprint(job.product)
    if job.status == Status.REJECTED or not same:
        fields["version"] = None
    if job.kind != Kind.MAKE:
        return fields | {"group": Group.FINISH, "queue": messages.CPU, "progress": 0, "stage": ""}
    if same and job.generated_key:
        return fields | {"group": Group.FINISH, "queue": messages.CPU}
    if same and job.prepared_key and generator.get("runs_here"):
        return fields | {"group": Group.GENERATE, "queue": str(generator["queue"]), "generated_key": ""}
    started_over: dict[str, Any] = {"prepared_key": "", "generated_key": "", "progress": 0, "stage": ""}
    return fields | started_over | {"group": Group.PREPARE, "queue": messages.CPU}


def _locked(job: AssetJob) -> AssetJob:
    """The job as it is now, locked until the transaction ends."""
    return AssetJob.objects.select_for_update(of=("self",)).select_related("product", "merchant").get(pk=job.pk)


def _refuse_without_source(job: AssetJob) -> None:
    """Raises Conflict or Invalid when what the job starts from is no longer there."""
    if job.kind == Kind.MAKE:
        _refuse_without_photos(job.product)
    elif job.source_version_id is None and not job.source_key:
        raise Conflict("source_gone", "What this job started from has been removed: start a new one.")


def _refuse_without_photos(product: Product) -> None:
    states = set(product.photos.values_list("state", flat=True).distinct())
    if states.isdisjoint(USABLE):
        if PhotoState.AWAITED in states:
            raise Conflict("photos_not_ready", "The product's photos are not here yet; try again in a moment.")
        raise _invalid("no_photos", "product", "The product has no usable photo.")


def refuse_second(product: Product) -> None:
    """Raises Conflict when a job of the product is active."""
    if product.jobs.filter(ended_at=None).exists():
        raise Conflict("already_running", "An asset of this product is being made already.") from None


def _not_possible(job: AssetJob, done: str) -> Conflict:
    return Conflict("not_possible_now", f"A job that is {Status(job.status).label} cannot be {done}.")


def _invalid(code: str, field: str, message: str) -> Invalid:
    return Invalid(code, message, {field: message})


def _choose(kind: str, name: str, known: Collection[str]) -> str:
    return f"There is no {kind} {name!r}; choose from {', '.join(sorted(known))}."
