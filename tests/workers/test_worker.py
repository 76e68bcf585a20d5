"""Jobs through real workers: the whole way, called off, reused, and hit in every group."""

from hashlib import sha256

import pytest

from assets_pipeline.formats.usdz_rules import usdz_findings
from assets_pipeline.stores.s3 import S3Store
from catalog.jobs import cancel_job, request_asset
from catalog.models import AssetJob, Photo, PhotoState, Status
from catalog.recipe import Recipe
from catalog.workers import live_workers
from tests.workers.conftest import MakeProduct, add_photo
from tests.workers.processes import Processes, wait_until

pytestmark = pytest.mark.slow

DRAFT = Recipe(quality="draft", texture_size=512, triangles=4000)
ENDED = {Status.NEEDS_REVIEW, Status.PUBLISHED, Status.REJECTED, Status.FAILED, Status.CANCELLED}


COMPARED = (
    *(f"{kind}-1.webp" for kind in ("photo", "render", "cutout")),
    *(f"map-{name}.webp" for name in ("base_color", "metallic_roughness", "normal", "occlusion")),
)
"""What a person judges the model by."""


def wait_for_end(job: AssetJob, *, seconds: float = 90) -> AssetJob:
    """The job once it has ended."""

    def ended() -> bool:
        job.refresh_from_db()
        return job.status in ENDED

    wait_until(ended, seconds=seconds, what=f"the job ends, it is {job.status} in {job.group} {job.stage}")
    return job


def wait_for_stage(job: AssetJob, stage: str) -> None:
    """Return as soon as the job is in that stage."""

    def there() -> bool:
        job.refresh_from_db()
        assert job.status not in ENDED, (job.status, job.reason, job.advice)
        return job.stage == stage and job.lease is not None

    wait_until(there, seconds=60, what=f"the job comes to {stage}")


def stages_of(job: AssetJob) -> list[str]:
    """Every stage that ran to its end, in order."""
    return list(job.events.filter(kind="stage", seconds__isnull=False).order_by("id").values_list("stage", flat=True))


def test_a_worker_makes_an_asset(processes: Processes, make_product: MakeProduct, storage: S3Store) -> None:
    processes.start_worker()
    job = wait_for_end(request_asset(make_product(), DRAFT, request_id="req-17"))

    assert (job.status, job.reason) == (Status.NEEDS_REVIEW, "")  # nobody asked to publish it at once
    assert job.generator == "primitive"
    assert "best that workers run" in job.generator_why
    assert job.progress == 100
    assert stages_of(job) == [
        "inspect", "segment", "generate", "clean", "decimate", "unwrap", "bake", "export_glb", "export_usdz", "render",
        "certify", "preview", "compare", "store",
    ]  # fmt: skip
    assert 0.5 < job.cpu_seconds < 120
    assert job.gpu_seconds == 0
    log = processes.log("worker-1")
    assert "req-17" in log and job.public_id in log

    version = job.version
    assert version is not None
    assert version.grade in "AB"
    assert version.dimensions["height"] == pytest.approx(0.095, rel=0.01)
    files = {file["name"]: file for file in version.files}
    types = {name: file["content_type"].partition(";")[0] for name, file in files.items()}
    assert types == {
        "model.glb": "model/gltf-binary",
        "model.web.glb": "model/gltf-binary",
        "model.usdz": "model/vnd.usdz+zip",
        "poster.webp": "image/webp",
        "poster-white.webp": "image/webp",
        "turntable.webp": "image/webp",
        "preview.html": "text/html",
        "report.json": "application/json",
        "scene.json": "application/json",
        **dict.fromkeys(COMPARED, "image/webp"),
    }
    for name, file in files.items():
        data = storage.get(file["key"])
        assert sha256(data).hexdigest() == file["sha256"]
        assert file["key"] == f"files/{job.merchant.public_id}/{file['sha256']}/{name}"
        assert (len(data), storage.stat(file["key"]).content_type) == (file["bytes"], file["content_type"])
    assert usdz_findings(storage.get(files["model.usdz"]["key"])) == []


def test_another_triangle_budget_never_pays_for_generation_again(
    processes: Processes, make_product: MakeProduct
) -> None:
    processes.start_worker()
    product = make_product()
    first = wait_for_end(request_asset(product, DRAFT))
    second = wait_for_end(request_asset(product, Recipe(quality="draft", texture_size=512, triangles=1500)))
    assert second.status == Status.NEEDS_REVIEW
    assert not {"inspect", "segment", "generate"} & set(stages_of(second))
    assert second.generated_key == first.generated_key
    assert second.version and first.version
    assert second.version.metrics["triangles"] <= 1500 < first.version.metrics["triangles"]


@pytest.mark.parametrize("stage", ["segment", "generate", "bake"])
def test_a_killed_child_costs_its_group_and_nothing_else(
    processes: Processes, make_product: MakeProduct, stage: str
) -> None:
    processes.start_worker()
    job = request_asset(make_product(), DRAFT)
    wait_for_stage(job, stage)
    child = processes.child()
    assert child is not None
    child.kill()
    wait_for_end(job)
    assert job.status == Status.NEEDS_REVIEW
    assert job.product.versions.count() == 1
    losses = job.events.filter(kind="lease", reason="lost")
    assert [loss.text for loss in losses] == ["The task's process ended by signal SIGKILL."]
    assert stages_of(job).count("generate") == 1  # what had been checkpointed was not done again


@pytest.mark.parametrize("stage", ["segment", "generate", "bake"])
def test_a_killed_workers_job_goes_on_elsewhere(processes: Processes, make_product: MakeProduct, stage: str) -> None:
    processes.start_worker("worker-1")
    job = request_asset(make_product(), DRAFT)
    wait_for_stage(job, stage)
    orphans = processes.kill("worker-1")
    assert orphans
    wait_until(lambda: not any(each.is_running() for each in orphans), seconds=5, what="its child is gone, too")
    processes.start_worker("worker-2")
    wait_for_end(job)
    assert job.status == Status.NEEDS_REVIEW
    assert job.product.versions.count() == 1


def test_a_worker_that_ends_hands_its_job_back(processes: Processes, make_product: MakeProduct) -> None:
    processes.start_worker("worker-1")
    job = request_asset(make_product(), DRAFT)
    wait_for_stage(job, "generate")
    processes.start_worker("worker-2")
    assert processes.stop("worker-1") < 10
    wait_for_end(job)
    assert job.status == Status.NEEDS_REVIEW
    assert not job.events.filter(kind="lease", reason="lost").exists()
    assert job.events.filter(kind="lease", reason="handed_back").count() == 1
    assert [worker.name for worker in live_workers()] == [job.worker] or len(live_workers()) == 1


@pytest.mark.parametrize(
    ("environ", "why"), [({"WORKER_MEMORY_BYTES": "500000000"}, "MB of memory"), ({"JOB_TIMEOUT_SECONDS": "1"}, "1 s")]
)
def test_a_job_that_takes_too_much_does_not_loop_for_ever(
    processes: Processes, make_product: MakeProduct, environ: dict[str, str], why: str
) -> None:
    processes.start_worker(**environ)
    job = wait_for_end(request_asset(make_product(), Recipe(quality="high")))
    assert (job.status, job.reason, job.lost_leases) == (Status.FAILED, "worker_lost", 3)
    losses = [loss.text for loss in job.events.filter(kind="lease", reason="lost")]
    assert len(losses) == 3 and all(why in loss for loss in losses), losses


def test_a_job_that_is_called_off_ends_within_seconds(processes: Processes, make_product: MakeProduct) -> None:
    processes.start_worker()
    job = request_asset(make_product(), Recipe(quality="high"))
    wait_for_stage(job, "generate")
    cancel_job(job)
    wait_for_end(job, seconds=10)
    assert job.status == Status.CANCELLED
    again = wait_for_end(request_asset(make_product("bottle", title="Bottle", category="bottle"), DRAFT))
    assert again.status == Status.NEEDS_REVIEW  # the worker goes on with the next


def test_a_photo_without_a_product_is_the_merchants_to_mend(
    processes: Processes, make_product: MakeProduct, storage: S3Store
) -> None:
    processes.start_worker()
    product = make_product()
    product.photos.all().delete()
    add_photo(product, b"\xff\xd8\xff no photo at all", storage, state=PhotoState.READY)
    job = wait_for_end(request_asset(product, DRAFT))
    assert job.status == Status.REJECTED
    assert job.reason in {"photo_broken", "photo_truncated", "not_an_image"}
    assert job.advice.startswith("front.jpg: ")


def test_a_damaged_checkpoint_is_made_again(processes: Processes, make_product: MakeProduct, storage: S3Store) -> None:
    processes.start_worker()
    product = make_product()
    first = wait_for_end(request_asset(product, DRAFT))
    for key in (first.prepared_key, first.generated_key):
        storage.put(key, storage.get(key)[:-1000], content_type="application/zip")
    processes.stop("worker-1")  # it holds the last asset in its memory
    processes.start_worker("worker-2")
    second = wait_for_end(request_asset(product, Recipe(quality="draft", texture_size=512, triangles=1500)))
    assert second.status == Status.NEEDS_REVIEW
    assert {"segment", "generate"} <= set(stages_of(second))
    processes.stop("worker-2")
    processes.start_worker("worker-3")
    third = wait_for_end(request_asset(product, Recipe(quality="draft", texture_size=512, triangles=1000)))
    assert not {"segment", "generate"} & set(stages_of(third))  # the damaged ones have been replaced


def test_a_worker_reads_the_queues_it_was_told(processes: Processes, make_product: MakeProduct) -> None:
    processes.start_worker("worker-1", "--queues", "gpu")
    wait_until(live_workers, seconds=30, what="the worker says that it lives")
    (worker,) = live_workers()
    assert worker.queues == ["gpu"]
    assert worker.generators[0]["name"] == "primitive"
    job = request_asset(make_product(), DRAFT)
    processes.start_worker("worker-2", "--queues", "cpu")
    wait_for_end(job)
    assert job.status == Status.NEEDS_REVIEW
    claimed = set(job.events.filter(kind="lease", reason="claimed").values_list("text", flat=True))
    assert len(claimed) == 1


def test_a_job_waits_while_the_store_is_away(processes: Processes, make_product: MakeProduct) -> None:
    processes.start_worker(S3_ENDPOINT_URL="http://127.0.0.1:9")
    job = request_asset(make_product(), DRAFT)

    def postponed() -> bool:
        job.refresh_from_db()
        return job.attempts > 0

    wait_until(postponed, seconds=60, what="the job is put off")
    assert (job.status, job.reason, job.lost_leases) == (Status.QUEUED, "storage_away", 0)
    processes.stop("worker-1")
    processes.start_worker("worker-2")
    assert wait_for_end(job).status == Status.NEEDS_REVIEW


def test_a_dramatiq_process_whose_master_is_killed_ends_in_order(
    processes: Processes, make_product: MakeProduct
) -> None:
    master = processes.start_worker()
    job = request_asset(make_product(), DRAFT)
    wait_for_stage(job, "segment")
    family = processes.tree("worker-1")[1:]
    master.kill()
    master.wait(10)
    processes.running.pop("worker-1")
    wait_until(lambda: not any(each.is_running() for each in family), seconds=40, what="all of it has ended")
    processes.start_worker("worker-2")
    wait_for_end(job)
    assert (job.status, job.product.versions.count()) == (Status.NEEDS_REVIEW, 1)


def test_photos_are_looked_at_by_workers(processes: Processes, make_product: MakeProduct, storage: S3Store) -> None:
    processes.start_worker()
    good = make_product(state=PhotoState.CHECKING).photos.get()
    bad = add_photo(good.product, b"GIF89a but not really", storage, state=PhotoState.CHECKING, name="bad.gif")

    def settled() -> bool:
        return not Photo.objects.filter(state=PhotoState.CHECKING).exists()

    wait_until(settled, seconds=60, what="both photos have been looked at")
    good.refresh_from_db()
    assert (good.state, good.width, good.height) == (PhotoState.READY, 1200, 900)
    assert good.sha256 == sha256(storage.get(good.key)).hexdigest()
    bad.refresh_from_db()
    assert bad.state == PhotoState.REJECTED
    assert bad.reject_code
    assert bad.advice[0]["text"]
