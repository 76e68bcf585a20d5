"""One of everything that the API has addresses for"""

from dataclasses import dataclass

from django.utils import timezone

from catalog.merchants import issue_api_key
from catalog.models import ApiKey, AssetJob, AssetVersion, FileKey, Merchant, Photo, PhotoState, Product, Status
from catalog.versions import public_key
from tests.catalog.makers import finished, make_job, make_photo, make_product


@dataclass(frozen=True)
class World:
    """What a shop has. product: shows `version`; its newest job waits for review with version 2."""

    product: Product
    photo: Photo
    upload: Photo
    job: AssetJob
    ended: AssetJob
    running: AssetJob
    version: AssetVersion
    key: ApiKey

    @property
    def ids(self) -> dict[str, str]:
        """Kind of thing -> public id."""
        return {name: row.public_id for name, row in vars(self).items()}


def make_version(product: Product, number: int, *, published: bool = False) -> AssetVersion:
    """A finished version; nothing lies in the store."""
    result = finished(product.merchant)
    files = [{**vars(file)} for file in result.files]
    public = [{**file, "key": public_key(product.merchant.public_id, file)} for file in files]
    version = AssetVersion.objects.create(
        product=product,
        number=number,
        files=files,
        bytes=sum(file.bytes for file in result.files),
        public_files=public if published else [],
        published_at=timezone.now() if published else None,
        dimensions=dict(result.dimensions),
        metrics=dict(result.metrics),
        certificate={"grade": "B", "passed": True, "reasons": ["A turned shape."], "unseen": 0.4, "limits": []},
        grade="B",
        generator="primitive",
        licence=dict(result.licence),
        alt_text="A lamp",
        cpu_seconds=9.0,
        gpu_seconds=0.0,
    )
    FileKey.objects.bulk_create(FileKey(version=version, key=file["key"]) for file in (*files, *public))
    if published:
        product.published_version = version
        product.save(update_fields=["published_version"])
    return version


def make_world(merchant: Merchant) -> World:
    """Everything, for that merchant."""
    product, other = make_product(merchant), make_product(merchant)
    version = make_version(product, 1, published=True)
    ended = make_job(product, status=Status.PUBLISHED, version=version, ended_at=timezone.now())
    reviewed = make_version(product, 2)
    job = make_job(product, status=Status.NEEDS_REVIEW, version=reviewed, ended_at=timezone.now())
    return World(
        product=product,
        photo=product.photos.get(),
        upload=make_photo(product, state=PhotoState.AWAITED, sha256="", key=f"uploads/{merchant.public_id}/x"),
        job=job,
        ended=ended,
        running=make_job(other),
        version=version,
        key=issue_api_key(merchant, "of the world", may_write=True)[0],
    )
