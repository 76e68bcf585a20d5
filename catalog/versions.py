"""Finished assets: written once, published by moving one pointer

The pointer, the date and the job's event change in one transaction, after every file lies under its public key: so a
publication that breaks off leaves what was published before, and may simply be repeated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from catalog.checks import Check, anything, lock, lock_there
from catalog.deletion import FILES_MISSING, spare
from catalog.errors import Away, Conflict, LostRace
from catalog.models import AssetJob, AssetVersion, FileKey, Merchant, Product, Status
from catalog.storage import IMMUTABLE, PUBLIC, storage

SHOWN = frozenset({"model.glb", "model.web.glb", "model.usdz", "poster.webp", "poster-white.webp", "turntable.webp"})
"""What publishing makes public. The report and the preview hold the merchant's photos and figures: they stay theirs."""


@dataclass(frozen=True)
class StoredFile:
    """A file of a version in the private store. sha256: hex."""

    name: str
    key: str
    bytes: int
    sha256: str
    content_type: str


@dataclass(frozen=True)
class FinishedAsset:
    """What a worker made of a job.

    publishable: whether the pipeline's thresholds are met. review_reason: if not, a stable code of why; review_advice:
    the sentence that goes with it.
    """

    files: tuple[StoredFile, ...]
    dimensions: Mapping[str, float]
    metrics: Mapping[str, Any]
    certificate: Mapping[str, Any]
    grade: str
    generator: str
    licence: Mapping[str, Any]
    alt_text: str
    publishable: bool
    review_reason: str = ""
    review_advice: str = ""


@transaction.atomic
def reserve_files(job: AssetJob, result: FinishedAsset) -> None:
    """Write down which keys the version to come needs: once this is committed, nothing removes them any more."""
    FileKey.objects.filter(job=job).delete()
    FileKey.objects.bulk_create(FileKey(job=job, key=key) for key in keys_of(job.merchant, result.files))


def ensure_files(merchant: Merchant, files: Sequence[StoredFile]) -> None:
    """After `reserve_files` is committed: all of `files` are there to stay. Raises Away: make them again then.

    The store keeps what it has already: one of them may have been removed since the worker saw it there, on behalf of
    a product that is gone. See `catalog.deletion`.
    """
    spare(keys_of(merchant, files))
    for file in files:
        try:
            whole = storage().stat(file.key).bytes == file.bytes
        except KeyError:
            whole = False
        if not whole:
            raise Away("files_missing", FILES_MISSING)


@transaction.atomic
def create_version(
    job: AssetJob, result: FinishedAsset, *, cpu_seconds: float = 0, gpu_seconds: float = 0
) -> AssetVersion:
    """Write what `job` has made; when it has written a version before, that one.

    cpu_seconds, gpu_seconds: of the task that has made it, which are not booked in the job yet.
    """
    product = Product.objects.select_for_update().get(pk=job.product_id)
    job = AssetJob.objects.select_related("version").get(pk=job.pk)
    if job.version is not None:
        return job.version
    number = (product.versions.aggregate(last=Max("number"))["last"] or 0) + 1
    version = AssetVersion.objects.create(
        product=product,
        number=number,
        origin=job.kind,
        parent_id=job.source_version_id,
        edits=job.edits,
        files=[asdict(file) for file in result.files],
        bytes=sum(file.bytes for file in result.files),
        dimensions=dict(result.dimensions),
        metrics=dict(result.metrics),
        certificate=dict(result.certificate),
        grade=result.grade,
        generator=result.generator,
        licence=dict(result.licence),
        alt_text=result.alt_text[:250],
        cpu_seconds=job.cpu_seconds + cpu_seconds,
        gpu_seconds=job.gpu_seconds + gpu_seconds,
    )
    AssetJob.objects.filter(pk=job.pk).update(version=version)
    FileKey.objects.filter(job=job).delete()
    FileKey.objects.bulk_create(FileKey(version=version, key=key) for key in keys_of(product.merchant, result.files))
    return version


def publish_version(version: AssetVersion, *, check: Check = anything, check_job: Check = anything) -> None:
    """Show `version` in the storefront; a job of it that waits for review is thereby published.

    check: asked about the product; check_job: about the version's job.
    Raises Conflict ("product_archived", "not_possible_now" for a rejected one, "files_missing"), Away, or LostRace when
    the version has been deleted meanwhile.
    """
    refuse_archived(version.product)
    public_files = copy_to_public(version)
    with transaction.atomic():
        job = lock(AssetJob.objects.filter(version=version), check_job)  # the job first, as workers do
        product = lock_product(version, check)
        refuse_archived(product)
        if job is not None and job.status == Status.REJECTED:
            raise Conflict("not_possible_now", "This version has been rejected; ask for a new one.")
        moved = show_version(product, version, public_files)
        if job is not None and job.status == Status.NEEDS_REVIEW:
            job.move_to(Status.PUBLISHED)
        elif job is not None and moved:
            job.record("note", text=f"Version {version.number} is published again.")


def needs_a_look(version: AssetVersion) -> bool:
    """Whether people publish it only after they have looked: it is a guess, or breaks a limit that has to be kept."""
    limits = version.certificate.get("limits", ())
    return version.grade == "C" or any(row["level"] == "required" and not row["ok"] for row in limits)


def refuse_unseen(version: AssetVersion) -> None:
    """For ways to publish on which nobody has looked. Raises Conflict ("not_possible_now")."""
    if needs_a_look(version):
        words = "It needs a look: parts of it are guessed, or break a limit. Look at it closely, then decide."
        raise Conflict("not_possible_now", words)


def roll_back(product: Product, *, check: Check = anything) -> AssetVersion:
    """Show the version published before the one that is shown. Raises Conflict ("nothing_to_roll_back") or LostRace.

    With a `check` of what the caller has read, two clicks are one step. Needs no store: what has been published once
    lies under its public keys.
    """
    with transaction.atomic():
        made = AssetJob.objects.select_for_update(no_key=True).filter(product=product, version__isnull=False)
        jobs = {job.version_id: job for job in made.order_by("pk")}  # the jobs first, as workers do
        product = lock_there(Product.objects.filter(pk=product.pk), check)
        refuse_archived(product)
        shown = product.published_version
        earlier = product.versions.filter(published_at__isnull=False)
        if shown is None or not (before := earlier.filter(number__lt=shown.number).order_by("-number").first()):
            raise Conflict("nothing_to_roll_back", "No earlier version of this product has been published.")
        show_version(product, before, before.public_files)
        if before.pk in jobs:
            jobs[before.pk].record("note", text=f"Rolled back from version {shown.number} to version {before.number}.")
    return before


@transaction.atomic
def unpublish(product: Product, *, check: Check = anything) -> None:
    """Take the product's asset out of the storefront; its files stay under their public keys for who has them."""
    lock_there(Product.objects.filter(pk=product.pk), check)
    shown = Product.objects.filter(pk=product.pk, published_version__isnull=False)
    shown.update(published_version=None, revision=F("revision") + 1, updated_at=timezone.now())


def public_key(merchant_id: str, file: Mapping[str, Any]) -> str:
    """Where a version's file lies once published. merchant_id: the public one."""
    return f"{PUBLIC}/{merchant_id}/{file['sha256']}/{file['name']}"


def keys_of(merchant: Merchant, files: Sequence[StoredFile]) -> list[str]:
    """Every key that a version with these files has, or gets once published."""
    return sorted({key for file in files for key in (file.key, public_key(merchant.public_id, asdict(file)))})


def copy_to_public(version: AssetVersion) -> list[dict[str, Any]]:
    """Copy what is SHOWN under its public key, on the store's side; returns `public_files`. Raises Conflict, Away."""
    merchant_id = version.product.merchant.public_id
    shown = [file for file in version.files if file["name"] in SHOWN]
    copies = [{**file, "key": public_key(merchant_id, file)} for file in shown]
    for file, copy in zip(shown, copies, strict=True):
        try:
            storage().copy(file["key"], copy["key"], content_type=file["content_type"], cache_control=IMMUTABLE)
        except KeyError:
            raise Conflict("files_missing", "Files of this version are gone; ask for a new one.") from None
    return copies


def lock_product(version: AssetVersion, check: Check = anything) -> Product:
    """The version's product, locked until the transaction ends; reads `version` anew. Raises LostRace when deleted."""
    product = lock_there(Product.objects.filter(pk=version.product_id), check)
    fresh = AssetVersion.objects.filter(pk=version.pk).values("published_at", "public_files").first()
    if fresh is None:
        raise LostRace("the version has been deleted")
    version.published_at, version.public_files = fresh["published_at"], fresh["public_files"]
    return product


def show_version(product: Product, version: AssetVersion, public_files: list[dict[str, Any]]) -> bool:
    """Move the locked product's pointer; False when it stands there already."""
    if version.published_at is None:
        version.published_at, version.public_files = timezone.now(), public_files
        version.save(update_fields=["published_at", "public_files"])
    moved = Product.objects.filter(pk=product.pk).exclude(published_version=version)
    return bool(moved.update(published_version=version, revision=F("revision") + 1, updated_at=timezone.now()))


def refuse_archived(product: Product) -> None:
    """Raises Conflict when nothing of the product may be published."""
    if product.archived:
        raise Conflict("product_archived", "The product is archived: restore it first.")
