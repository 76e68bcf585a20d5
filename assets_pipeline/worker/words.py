"""The catalogue's words -> the pipeline's, and back"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from django.conf import settings

from assets_pipeline import tasks
from assets_pipeline.asset import UPLOADED, Advice, Hints, View
from assets_pipeline.errors import InputRejected, Unavailable
from assets_pipeline.offers import Chosen, Terms, choose_offer, offers_of
from assets_pipeline.recipes import (
    PROFILES,
    QUALITIES,
    TEXTURE_SIZES,
    TRIANGLES_MAX,
    TRIANGLES_MIN,
    Recipe,
    RecipeError,
    make_recipe,
)
from assets_pipeline.stores.s3 import S3Store
from catalog import workers
from catalog.inputs import USABLE
from catalog.models import AssetJob, Group, Kind, Merchant, Photo, Product, Revenue, Worker
from catalog.photos import blame_photo
from catalog.recipe import Recipe as Wish
from catalog.storage import CHECKPOINTS, FILES, storage
from catalog.versions import FinishedAsset, StoredFile

REVENUE_USD: Mapping[str, float] = {Revenue.UNDER_1M: 1e6, Revenue.UNDER_20M: 20e6}
"""The most that a merchant of that class may make in a year; the others' is not known."""


def choose_generator(job: AssetJob) -> Chosen:
    """The generator for this job, by what live workers advertise. Raises InputRejected, Unavailable."""
    live = Worker.objects.filter(pk__in=[worker.pk for worker in workers.live_workers()]).order_by("name")
    offers = offers_of((worker.queues, worker.generators) for worker in live)
    count = job.product.photos.filter(state__in=USABLE).count()
    if not count:
        raise InputRejected("no_photos", "The product has no photos any more: add one.")
    return choose_offer(Wish.from_json(job.recipe).generator, count, offers, terms_of(job.merchant))


def terms_of(merchant: Merchant) -> Terms:
    """What licences ask of the merchant."""
    return Terms(merchant.country, REVENUE_USD.get(merchant.revenue, math.inf))


def task_of(job: AssetJob, group: Group) -> tasks.Task:
    """What the child has to do for that group of the job. Raises InputRejected."""
    match job.kind:
        case Kind.EDIT:
            return edit_task(job)
        case Kind.UPLOAD:
            return adopt_task(job)
        case _:
            return make_task(job, group)


def edit_task(job: AssetJob) -> tasks.EditTask:
    """The version that the job starts from, and what becomes of it. Raises InputRejected."""
    version = job.source_version
    if version is None:
        raise InputRejected("version_gone", "The version to be edited has been deleted: choose another one.")
    return tasks.EditTask(
        number=version.number,
        keys={file["name"]: file["key"] for file in version.files},
        changes=tasks.Changes(**job.edits),
        recipe=recipe_of(job),
        store=child_store(),
        files=f"{FILES}/{job.merchant.public_id}",
    )


def adopt_task(job: AssetJob) -> tasks.AdoptTask:
    """The model that the merchant uploaded. Raises InputRejected."""
    return tasks.AdoptTask(
        key=job.source_key,
        max_bytes=settings.MAX_MODEL_BYTES,
        hints=hints_of(job.product),
        recipe=recipe_of(job),
        store=child_store(),
        files=f"{FILES}/{job.merchant.public_id}",
    )


def hints_of(product: Product) -> Hints:
    """What the merchant says of the product."""
    return Hints(product.title, product.category, product.width, product.height, product.depth)


def make_task(job: AssetJob, group: Group) -> tasks.MakeTask:
    """All that the child has to know. Raises InputRejected."""
    product, merchant = job.product, job.merchant
    ran = job.events.filter(kind="stage", seconds__isnull=False).order_by("id").values_list("stage", "seconds")
    return tasks.MakeTask(
        group=group.value,
        photos=stored_photos(job),
        hints=hints_of(product),
        recipe=recipe_of(job),
        why=job.generator_why,
        store=child_store(),
        checkpoints=f"{CHECKPOINTS}/{merchant.public_id}",
        files=f"{FILES}/{merchant.public_id}",
        prepared_key=job.prepared_key,
        generated_key=job.generated_key,
        seconds={stage: seconds or 0.0 for stage, seconds in ran},
    )


def stored_photos(job: AssetJob) -> tuple[tasks.StoredPhoto, ...]:
    """The product's photos in the order they came, under names that tell them apart."""
    found: dict[str, tasks.StoredPhoto] = {}
    for photo in job.product.photos.filter(state__in=USABLE).order_by("id"):
        name, again = photo.name, 2
        while name in found:
            name, again = f"{photo.name} ({again})", again + 1
        found[name] = replace(stored_photo(photo), name=name)
    return tuple(found.values())


def stored_photo(photo: Photo) -> tasks.StoredPhoto:
    """What the child has to know of a photo."""
    return tasks.StoredPhoto(photo.name, photo.key, View(photo.view) if photo.view else None, photo.sha256)


def recipe_of(job: AssetJob) -> Recipe:
    """The pipeline's recipe, with the generator chosen. Raises InputRejected for wishes that nothing can fulfil."""
    wish = Wish.from_json(job.recipe)
    unknown = [name for name in wish.profiles if name not in PROFILES]
    if wish.quality not in QUALITIES or unknown:
        raise InputRejected("recipe_unknown", f"There is no {', '.join(unknown) or wish.quality} to make assets for.")
    if wish.triangles is not None and not TRIANGLES_MIN <= wish.triangles <= TRIANGLES_MAX:
        raise InputRejected("recipe_refused", f"Ask for {TRIANGLES_MIN} to {TRIANGLES_MAX} triangles.")
    if wish.texture_size is not None and wish.texture_size not in TEXTURE_SIZES:
        raise InputRejected("recipe_refused", f"Ask for a texture of {', '.join(map(str, TEXTURE_SIZES))} pixels.")
    try:
        return make_recipe(
            wish.quality,
            generator=job.generator,
            triangles=wish.triangles,
            texture_size=wish.texture_size,
            profiles=wish.profiles,
            seed=wish.seed,
        )
    except RecipeError as error:
        raise InputRejected("recipe_refused", f"The wishes contradict each other: {error}.") from None


def child_store() -> S3Store:
    """The store for the child, where trouble has the pipeline's own names."""
    return replace(cast(S3Store, storage()), away=Unavailable)


def finished_asset(result: tasks.Finished) -> FinishedAsset:
    """What the catalogue keeps of a finished asset, and whether it may be published without being looked at."""
    report = result.report
    certificate, generator = report["certificate"], report["generator"]
    broken = [row["name"] for row in certificate["limits"] if row["level"] == "required" and not row["ok"]]
    reason, advice = "", ""
    if broken:
        reason, advice = "certificate_failed", f"The asset does not keep its limits: {', '.join(broken)}."
    elif generator["name"] == UPLOADED:
        reason, advice = "uploaded_model", " ".join([*certificate["reasons"], "Look at it before it is published."])
    elif certificate["grade"] not in ("A", "B"):
        reason, advice = "grade_c", " ".join([*certificate["reasons"], *filter(None, [report["next_photo"]])])
    return FinishedAsset(
        files=tuple(StoredFile(f.name, f.key, f.bytes, f.sha256, f.content_type) for f in result.files),
        dimensions=certificate["dimensions"]["metres"],
        metrics=report["metrics"],
        certificate=certificate,
        grade=certificate["grade"],
        generator=generator["name"],
        licence=generator["licence"],
        alt_text=f"{report['title']}, 3D model",
        publishable=not reason,
        review_reason=reason,
        review_advice=advice,
    )


def remark_json(remark: Advice) -> dict[str, Any]:
    """A remark about a photo as the catalogue keeps it."""
    sides = ("left", "top", "width", "height")
    boxes = [dict(zip(sides, box, strict=True)) for box in remark.boxes]
    return {"code": remark.code, "text": remark.text, "level": remark.level, "boxes": boxes}


def rejection(error: InputRejected) -> Advice:
    """The remark that says at a photo why it will not do."""
    return Advice(error.code, error.advice, "retake", error.photo, error.boxes)


def blame(job: AssetJob, error: InputRejected) -> None:
    """Write at the photo that a job was rejected for what is wrong with it, and where."""
    for photo in stored_photos(job) if error.photo else ():
        if photo.name == error.photo:
            blame_photo(job.product, photo.key, remark_json(rejection(error)))


def worded(error: InputRejected) -> str:
    """The advice, with the photo that it is about."""
    return f"{error.photo}: {error.advice}" if error.photo else error.advice
