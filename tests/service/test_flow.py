"""The service as a whole over HTTP: from a photo to a published asset and back, with real processes."""

import os
import re
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests

from assets_pipeline.formats.usdz_rules import usdz_findings
from assets_pipeline.nodejs.tools import NodeTools
from assets_pipeline.pipeline import KEEP
from assets_pipeline.workshop import KINDS
from tests.service.client import ENDED, Client
from tests.service.processes import Service, wait_until

pytestmark = pytest.mark.slow

DRAFT = {"quality": "draft"}
STAGES = (
    "inspect", "segment", "generate", "clean", "decimate", "unwrap", "bake", "export_glb", "export_usdz", "render",
    "certify",
)  # fmt: skip
"""Those that take long enough to be seen."""

ALL_STAGES = [
    re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower() for kinds in (*KINDS.values(), KEEP) for kind in kinds
]


def make_product(client: Client, sku: str, photo: Path, **more: Any) -> str:
    """A product with one photo, uploaded straight to the store."""
    wish = {"sku": sku, "title": "Coffee mug", "category": "mug", "height": 0.095, **more}
    product = str(client.ask("POST", "products", expect=201, json=wish)["id"])
    client.upload(product, photo.name, photo.read_bytes(), "front")
    return product


def wait_for_end(client: Client, job: str, *, seconds: float = 120) -> dict[str, Any]:
    """The job once it has ended."""
    found: dict[str, Any] = {}

    def ended() -> bool:
        found.update(client.ask("GET", f"jobs/{job}", expect=200))
        return found["status"] in ENDED

    wait_until(ended, seconds=seconds, what=f"job {job} ends")
    return found


def test_a_photo_becomes_a_published_asset_and_goes_again(service: Service, client: Client, samples: Path) -> None:
    service.start_worker("worker-1")
    product = make_product(client, "MUG-1", samples / "mug" / "front.jpg")
    assert requests.get(f"{service.url}/s/{product}.json", timeout=10).status_code == 404

    job = client.ask("POST", f"products/{product}/assets", expect=202, json=DRAFT)
    seen = list(client.events(job["id"]))
    snapshots = [data for event, data in seen if event == "job"]
    assert [snapshot["progress"] for snapshot in snapshots] == sorted(snapshot["progress"] for snapshot in snapshots)
    assert snapshots[-1]["status"] == "needs_review", snapshots[-1]
    assert set(STAGES) <= {snapshot["stage"] for snapshot in snapshots} | {data.get("stage") for _, data in seen}

    approved = client.ask("POST", f"jobs/{job['id']}/approve", expect=200)
    assert approved["status"] == "published"
    first = approved["version"]
    manifest = requests.get(f"{service.url}/s/{product}.json", timeout=10)
    assert manifest.status_code == 200
    assert manifest.headers["Access-Control-Allow-Origin"] == "*"
    assert manifest.json()["dimensions"]["height"] == pytest.approx(0.095, rel=0.01)
    again = requests.get(
        f"{service.url}/s/{product}.json", headers={"If-None-Match": manifest.headers["ETag"]}, timeout=9
    )
    assert again.status_code == 304
    check_files(manifest.json()["files"])

    second = client.ask(
        "POST", f"products/{product}/assets", expect=202, json=DRAFT | {"triangles": 2000, "auto_publish": True}
    )
    ended = wait_for_end(client, second["id"])
    assert ended["status"] == "published", ended
    assert ended["version"] != first
    assert requests.get(f"{service.url}/s/{product}.json", timeout=10).headers["ETag"] != manifest.headers["ETag"]

    client.ask("POST", f"products/{product}/rollback", expect=200)
    assert requests.get(f"{service.url}/s/{product}.json", timeout=10).json() == manifest.json()

    public = [file["url"] for file in manifest.json()["files"].values()]
    client.ask("DELETE", f"products/{product}", expect=204)
    assert requests.get(f"{service.url}/s/{product}.json", timeout=10).status_code == 404
    wait_until(
        lambda: all(requests.get(url, timeout=10).status_code in {403, 404} for url in public),
        seconds=30,
        what="the published files are gone",
    )


def check_files(files: dict[str, dict[str, Any]]) -> None:
    """Fetch GLB and USDZ as a browser does and let the standards' tools look at them."""
    glb = fetch(files["model.glb"], "model/gltf-binary")
    with NodeTools() as tools:
        report = tools.validate(glb)
    assert (report["errors"], report["warnings"]) == (0, 0), report
    usdz = fetch(files["model.usdz"], "model/vnd.usdz+zip")
    assert usdz_findings(usdz) == []


def fetch(file: dict[str, Any], content_type: str) -> bytes:
    """The bytes of a published file, its headers checked."""
    answer = requests.get(file["url"], timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == content_type
    assert "immutable" in answer.headers["Cache-Control"]
    assert sha256(answer.content).hexdigest() == file["sha256"]
    assert len(answer.content) == file["bytes"]
    return answer.content


def test_twenty_jobs_survive_a_kill_in_every_stage_and_publish_once(
    service: Service, client: Client, samples: Path, tmp_path: Path
) -> None:
    """The first job that comes to a stage is held there, see `sitecustomize_of_workers`, until its worker is killed."""
    gates = tmp_path / "gates"
    gates.mkdir()
    shutil.copy(Path(__file__).with_name("sitecustomize_of_workers.py"), gates / "sitecustomize.py")
    for stage in ALL_STAGES:
        (gates / f"gate-{stage}").touch()
    service.environ["PYTHONPATH"] = str(gates)
    workers = [f"worker-{n}" for n in (1, 2)]
    for worker in workers:
        service.start_worker(worker)
    photos = [samples / name / "front.jpg" for name in ("mug", "bottle", "carton")]
    products = [make_product(client, f"SKU-{n}", photos[n % 3], title=f"Thing {n}", height=0.2) for n in range(20)]
    wish = DRAFT | {"auto_publish": True}
    jobs = [client.ask("POST", f"products/{p}/assets", expect=202, json=wish)["id"] for p in products]

    hit: dict[str, str] = {}  # stage -> the job that lost its worker there
    end = time.monotonic() + 1500
    while not all_ended(service):
        assert time.monotonic() < end, f"jobs did not end; killed in {sorted(hit)}"
        for held in sorted(gates.glob("held-*")):
            pid, key = held.read_text().split()
            stage = held.name.removeprefix("held-")
            hit[stage] = wait_for_stage(service, stage, key)
            held.unlink()
            victim = next(name for name in workers if service.has_process(name, int(pid)))
            service.kill(victim)
            service.start_worker(victim)
        time.sleep(0.05)

    assert set(hit) == set(ALL_STAGES)
    assert len(set(hit.values())) == len(ALL_STAGES), "each of them another job"
    lost = rows(service, "select public_id, count(*) from catalog_jobevent as event join catalog_assetjob as job "
                "on job_id = job.id where event.reason = 'lost' group by public_id")  # fmt: skip
    assert dict(lost) == dict.fromkeys(hit.values(), 1)
    for product, job in zip(products, jobs, strict=True):
        state = client.ask("GET", f"jobs/{job}", expect=200)
        assert state["status"] == "published", state
        versions = client.ask("GET", f"products/{product}/versions", expect=200)["results"]
        assert [version["id"] for version in versions] == [state["version"]]
        assert requests.get(f"{service.url}/s/{product}.json", timeout=10).status_code == 200
    published = "select count(*) from catalog_jobevent where kind = 'status' and status = 'published' group by job_id"
    assert rows(service, published) == [(1,)] * 20


def wait_for_stage(service: Service, stage: str, key: str) -> str:
    """The id of the job with that photo, once its worker has written down that it is in `stage`."""
    found: list[str] = []

    def there() -> bool:
        found[:] = [job for job, name, _ in running_jobs(service, key) if name == stage]
        return bool(found)

    wait_until(there, seconds=20, what=f"a job is in {stage}")
    return found[0]


def rows(service: Service, query: str) -> list[Any]:
    path = service.environ["DATABASE_URL"].removeprefix("sqlite:")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)) as database:
        return database.execute(query).fetchall()


def running_jobs(service: Service, key: str = "%") -> list[tuple[str, str, str]]:
    """(job, stage, worker) of each that runs now, with a photo that lies there."""
    query = "select public_id, stage, worker from catalog_assetjob as job where status = 'running' and exists "
    of_it = f"select 1 from catalog_photo as photo where photo.product_id = job.product_id and key like '{key}'"
    return rows(service, f"{query} ({of_it})")


def all_ended(service: Service) -> bool:
    return rows(service, "select count(*) from catalog_assetjob where status in ('queued', 'running')") == [(0,)]


def test_a_worker_that_is_asked_to_stop_hands_its_job_back(service: Service, client: Client, samples: Path) -> None:
    first = service.start_worker("worker-1")
    product = make_product(client, "MUG-1", samples / "mug" / "front.jpg")
    job = client.ask("POST", f"products/{product}/assets", expect=202, json=DRAFT)
    wait_until(
        lambda: any(stage == "generate" for _, stage, _ in running_jobs(service)), seconds=60, what="the job is running"
    )
    os.kill(first.pid, signal.SIGTERM)
    asked = time.monotonic()
    wait_until(lambda: not running_jobs(service), seconds=10, what="the job is handed back")
    first.wait(15)
    assert time.monotonic() - asked < 15
    assert client.ask("GET", f"jobs/{job['id']}", expect=200)["status"] == "queued"
    service.start_worker("worker-2")
    assert wait_for_end(client, job["id"])["status"] == "needs_review"
