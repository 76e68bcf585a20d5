"""Rows for tests about jobs, by the models alone"""

import itertools
from typing import Any

from catalog.leases import Lease, Spent, claim_job, end_generate, end_prepare
from catalog.models import AssetJob, Group, Merchant, Photo, PhotoState, Priority, Product
from catalog.recipe import Recipe
from catalog.storage import storage
from catalog.versions import FinishedAsset, StoredFile
from catalog.workers import advertise

_numbers = itertools.count(1)
SPENT = Spent({"segment": 2.0}, cpu_seconds=3.0)


def make_merchant(name: str = "shop") -> Merchant:
    """A merchant with a slug of its own."""
    return Merchant.objects.create(name=name, slug=f"{name}-{next(_numbers)}")


def make_product(merchant: Merchant, *, photos: int = 1) -> Product:
    """A product with photos that are ready."""
    number = next(_numbers)
    product = Product.objects.create(merchant=merchant, sku=f"SKU-{number}", title=f"Lamp {number}")
    for _ in range(photos):
        make_photo(product)
    return product


def make_photo(product: Product, **fields: Any) -> Photo:
    """A photo that is ready, unless `fields` say otherwise."""
    sha256 = f"{next(_numbers):064x}"
    key = f"photos/{product.merchant.public_id}/{sha256}"
    values = {"name": "lamp.jpg", "state": PhotoState.READY, "key": key, "sha256": sha256, "view": "front"}
    return Photo.objects.create(product=product, merchant=product.merchant, **(values | fields))


def make_photos(merchant: Merchant, number: int, **fields: Any) -> list[Photo]:
    """That many photos of one product that nobody has looked at yet, unless `fields` say otherwise, written in bulk."""
    product = make_product(merchant, photos=0)
    key = f"photos/{merchant.public_id}/{next(_numbers)}"
    values = {"name": "lamp.jpg", "state": PhotoState.CHECKING, "product": product, "merchant": merchant} | fields
    return Photo.objects.bulk_create((Photo(key=f"{key}-{n}", **values) for n in range(number)), batch_size=2_000)


def make_job(product: Product, *, priority: Priority = Priority.INTERACTIVE, **fields: Any) -> AssetJob:
    """A job as the database has it right after the request; nothing is released."""
    recipe = fields.pop("recipe", Recipe())
    return AssetJob.objects.create(
        product=product, merchant=product.merchant, recipe=recipe.as_json(), priority=priority, **fields
    )


def make_jobs(merchant: Merchant, number: int, **fields: Any) -> list[AssetJob]:
    """That many jobs, each of a product of its own, written in bulk."""
    first = next(_numbers)
    products = Product.objects.bulk_create(
        Product(merchant=merchant, sku=f"BULK-{first}-{n}", title="Mug") for n in range(number)
    )
    recipe = Recipe().as_json()
    return AssetJob.objects.bulk_create(
        (AssetJob(product=product, merchant=merchant, recipe=recipe, **fields) for product in products),
        batch_size=2_000,
    )


def make_worker(name: str = "worker", *, queues: tuple[str, ...] = ("cpu", "gpu", "io"), slots: int = 1) -> None:
    """A live worker that can run the generator `primitive`."""
    spec = {"name": "primitive", "queue": "cpu", "runs_here": True, "why_not": ""}
    absent = {"name": "triposg", "queue": "gpu", "runs_here": False, "why_not": "no GPU"}
    advertise(
        name,
        queues=queues,
        generators=[spec, absent],
        profiles=["web"],
        qualities=["draft", "standard"],
        slots=slots,
    )


def claim(job: AssetJob, group: Group = Group.PREPARE, worker: str = "w1") -> Lease:
    """A lease of the job's group."""
    return claim_job(job.pk, group, worker)[1]


def lease_at(job: AssetJob, group: Group) -> Lease:
    """A lease of `group`, the groups before it done."""
    if group != Group.PREPARE:
        lease = claim(job)
        end_prepare(lease, key="checkpoints/p.npz", generator="primitive", why="fits", queue="cpu", spent=SPENT)
    if group == Group.FINISH:
        end_generate(claim(job, Group.GENERATE), key="checkpoints/g.npz", spent=SPENT)
    return claim(job, group)


def finished(merchant: Merchant, **fields: Any) -> FinishedAsset:
    """What a worker hands over; the files' bytes are their names. Nothing of it is in the store, see `stored`."""
    values: dict[str, Any] = {
        "files": tuple(stored_file(merchant, name) for name in ("model.glb", "model.usdz", "poster.webp")),
        "dimensions": {"width": 0.1, "height": 0.2, "depth": 0.1},
        "metrics": {"triangles": 900},
        "certificate": {"grade": "B"},
        "grade": "B",
        "generator": "primitive",
        "licence": {"code": "Apache-2.0"},
        "alt_text": "A lamp",
        "publishable": True,
    }
    return FinishedAsset(**(values | fields))


def stored(merchant: Merchant, **fields: Any) -> FinishedAsset:
    """The same, its files in the store."""
    asset = finished(merchant, **fields)
    for file in asset.files:
        storage().put_once(file.key, file.name.encode(), content_type=file.content_type)
    return asset


CONTENT_TYPES = {
    "glb": "model/gltf-binary",
    "usdz": "model/vnd.usdz+zip",
    "webp": "image/webp",
    "json": "application/json",
}


def stored_file(merchant: Merchant, name: str, data: bytes | None = None) -> StoredFile:
    """A file whose bytes are `data`, or its name."""
    import hashlib

    data = name.encode() if data is None else data
    sha256 = hashlib.sha256(data).hexdigest()
    key = f"files/{merchant.public_id}/{sha256}/{name}"
    return StoredFile(name, key, len(data), sha256, CONTENT_TYPES[name.rpartition(".")[2]])
