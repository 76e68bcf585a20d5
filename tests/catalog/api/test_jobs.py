from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.leases import end_finish
from catalog.models import AssetJob, Group, Product, Status
from catalog.storage import Storage
from tests.catalog.conftest import Cast
from tests.catalog.makers import SPENT, claim, finished, lease_at, make_job, make_product, make_worker, stored_file

pytestmark = pytest.mark.usefixtures("broker")


@pytest.fixture
def lamp(cast: Cast) -> Product:
    make_worker()
    return make_product(cast.shop)


def code_of(answer: Any) -> str:
    return str(answer.json()["error"]["code"])


def to_be_looked_at(product: Product, storage: Storage) -> AssetJob:
    """A job that waits for review, its files stored."""
    for name in ("model.glb", "model.usdz", "poster.webp"):
        file = stored_file(product.merchant, name)
        storage.put(file.key, name.encode(), content_type=file.content_type)
    job = make_job(product)
    end_finish(lease_at(job, Group.FINISH), finished(product.merchant), SPENT)
    return job


# asking


def test_an_asset_is_asked_for(cast: Cast, lamp: Product) -> None:
    wish = {"quality": "draft", "generator": "primitive", "profiles": ["web"], "triangles": 5000}
    more = {"texture_size": 1024, "seed": 7, "auto_publish": True, "priority": "bulk"}
    answer = cast.writer.post(
        f"products/{lamp.public_id}/assets", wish | more, headers={"X-Request-ID": "request-for-an-asset"}
    )
    assert answer.status_code == 202, answer.content
    job = answer.json()
    assert {**job["recipe"], "priority": job["priority"]} == wish | more
    assert (job["product"], job["sku"], job["status"], job["progress"]) == (lamp.public_id, lamp.sku, "queued", 0)
    assert (job["version"], job["ended_at"], job["cancelling"]) == (None, None, False)
    assert job["cost"] == {"cpu_seconds": 0, "gpu_seconds": 0}
    assert job["queue_position"] >= 1
    assert AssetJob.objects.get().request_id == "request-for-an-asset"
    assert cast.viewer.get(f"jobs/{job['id']}").json()["id"] == job["id"]


def test_nothing_said_means_the_standard(cast: Cast, lamp: Product) -> None:
    job = cast.writer.post(f"products/{lamp.public_id}/assets").json()
    assert job["recipe"] == {
        "quality": "standard",
        "generator": "auto",
        "profiles": [],
        "triangles": None,
        "texture_size": None,
        "seed": 0,
        "auto_publish": False,
    }
    assert job["priority"] == "interactive"


@pytest.mark.parametrize(
    ("wish", "code", "field"),
    [
        ({"quality": "perfect"}, "unknown_quality", "quality"),
        ({"quality": ""}, "bad_value", "quality"),
        ({"generator": "magic"}, "unknown_generator", "generator"),
        ({"generator": "triposg"}, "generator_unavailable", "generator"),
        ({"profiles": ["fax"]}, "unknown_profile", "profiles"),
        ({"profiles": "web"}, "bad_value", "profiles"),
        ({"profiles": [5]}, "bad_value", "profiles"),
        ({"triangles": 99}, "bad_value", "triangles"),
        ({"triangles": 100_001}, "bad_value", "triangles"),
        ({"triangles": "5000"}, "bad_value", "triangles"),
        ({"triangles": 5000.5}, "bad_value", "triangles"),
        ({"texture_size": 1000}, "bad_value", "texture_size"),
        ({"texture_size": "1024"}, "bad_value", "texture_size"),
        ({"seed": -1}, "bad_value", "seed"),
        ({"seed": 2**31}, "bad_value", "seed"),
        ({"seed": True}, "bad_value", "seed"),
        ({"auto_publish": 1}, "bad_value", "auto_publish"),
        ({"priority": "urgent"}, "bad_value", "priority"),
        ({"polygons": 5000}, "unknown_field", "polygons"),
        ({"status": "published"}, "unknown_field", "status"),
    ],
)
def test_a_wish_that_no_worker_could_fulfil_is_refused(
    cast: Cast, lamp: Product, wish: dict[str, Any], code: str, field: str
) -> None:
    answer = cast.writer.post(f"products/{lamp.public_id}/assets", wish)
    assert (answer.status_code, code_of(answer)) == (422, code), answer.content
    assert any(name == field or name.startswith(f"{field}.") for name in answer.json()["error"]["fields"])
    assert not AssetJob.objects.exists()


def test_one_job_at_a_time(cast: Cast, lamp: Product) -> None:
    cast.writer.post(f"products/{lamp.public_id}/assets")
    second = cast.writer.post(f"products/{lamp.public_id}/assets")
    assert (second.status_code, code_of(second)) == (409, "already_running")


def test_a_product_without_photos_has_no_asset(cast: Cast, lamp: Product) -> None:
    bare = make_product(cast.shop, photos=0)
    answer = cast.writer.post(f"products/{bare.public_id}/assets")
    assert (answer.status_code, code_of(answer)) == (422, "no_photos")


# following


def test_a_job_tells_all_that_people_ask(cast: Cast, lamp: Product) -> None:
    job = make_job(lamp)
    claim(job)
    AssetJob.objects.filter(pk=job.pk).update(
        stage="segment", progress=20, generator="primitive", generator_why="one photo", cpu_seconds=1.5
    )
    told = cast.viewer.get(f"jobs/{job.public_id}").json()
    assert (told["status"], told["stage"], told["progress"]) == ("running", "segment", 20)
    assert (told["generator"], told["generator_why"]) == ("primitive", "one photo")
    assert told["cost"]["cpu_seconds"] == 1.5
    assert told["started_at"] is not None and told["queue_position"] is None
    for member in ("seconds_left", "reason", "advice", "version", "created_at", "ended_at"):
        assert member in told


def test_lists_are_filtered(cast: Cast, lamp: Product) -> None:
    mug = make_product(cast.shop)
    old = make_job(lamp, status=Status.CANCELLED, ended_at=timezone.now())
    AssetJob.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=2))
    running, queued = make_job(lamp, status=Status.RUNNING), make_job(mug)
    make_job(make_product(cast.other))

    def listed(query: str = "") -> list[str]:
        answer = cast.viewer.get(f"jobs{query}")
        assert answer.status_code == 200, answer.content
        return [job["id"] for job in answer.json()["results"]]

    assert listed() == [queued.public_id, running.public_id, old.public_id]
    assert listed("?status=running") == [running.public_id]
    assert listed("?status=running&status=cancelled") == [running.public_id, old.public_id]
    assert listed(f"?product={mug.public_id}") == [queued.public_id]
    assert listed(f"?sku={lamp.sku}&status=running") == [running.public_id]
    since = (timezone.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert listed(f"?created_since={since}") == [queued.public_id, running.public_id]
    stranger = cast.other.products.get()
    assert listed(f"?product={stranger.public_id}") == []


@pytest.mark.parametrize(
    "query", ["status=done", "created_since=yesterday", "state=running", "limit=0", "limit=x", "cursor=AAAA"]
)
def test_a_filter_with_a_slip_shows_not_everything(cast: Cast, query: str) -> None:
    assert cast.viewer.get(f"jobs?{query}").status_code == 422


def test_pages_hold_their_place_while_jobs_come(cast: Cast, lamp: Product) -> None:
    ended = {"status": Status.CANCELLED, "ended_at": timezone.now()}
    jobs = [make_job(lamp, **ended).public_id for _ in range(5)]
    page = cast.viewer.get("jobs?limit=2&status=cancelled").json()
    make_job(lamp, **ended)
    rest = cast.viewer.get(page["next"].partition("testserver")[2]).json()
    assert [job["id"] for job in page["results"] + rest["results"]] == jobs[:0:-1]


def test_a_page_costs_the_same_however_many_jobs_it_has(cast: Cast) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert cast.reader.get("jobs").status_code == 200
        return len(captured)

    make_job(make_product(cast.shop))
    queries()  # notes when the key was used
    few = queries()
    for _ in range(9):
        make_job(make_product(cast.shop))
    assert queries() == few


# deciding


def test_a_waiting_job_is_stopped_and_tried_again(cast: Cast, lamp: Product) -> None:
    job = make_job(lamp)
    stopped = cast.editor.post(f"jobs/{job.public_id}/cancel")
    assert (stopped.status_code, stopped.json()["status"]) == (200, "cancelled")
    again = cast.editor.post(f"jobs/{job.public_id}/cancel")
    assert (again.status_code, code_of(again)) == (409, "not_possible_now")
    retried = cast.editor.post(f"jobs/{job.public_id}/retry")
    assert (retried.status_code, retried.json()["status"]) == (202, "queued")
    assert code_of(cast.editor.post(f"jobs/{job.public_id}/retry")) == "not_possible_now"


def test_a_running_job_is_about_to_stop(cast: Cast, lamp: Product) -> None:
    job = make_job(lamp)
    claim(job)
    answer = cast.editor.post(f"jobs/{job.public_id}/cancel").json()
    assert (answer["status"], answer["cancelling"]) == ("running", True)


def test_what_was_made_is_approved(cast: Cast, lamp: Product, storage: Storage) -> None:
    job = to_be_looked_at(lamp, storage)
    assert cast.viewer.get(f"jobs/{job.public_id}").json()["status"] == "needs_review"
    approved = cast.editor.post(f"jobs/{job.public_id}/approve")
    assert (approved.status_code, approved.json()["status"]) == (200, "published")
    lamp.refresh_from_db()
    assert lamp.published_version is not None
    assert approved.json()["version"] == lamp.published_version.public_id


def test_what_was_made_is_turned_down(cast: Cast, lamp: Product, storage: Storage) -> None:
    job = to_be_looked_at(lamp, storage)
    answer = cast.editor.post(f"jobs/{job.public_id}/reject", {"note": "The handle is missing."})
    assert (answer.status_code, answer.json()["status"]) == (200, "rejected")
    assert (answer.json()["reason"], answer.json()["advice"]) == ("review_rejected", "The handle is missing.")
    assert code_of(cast.editor.post(f"jobs/{job.public_id}/approve")) == "not_possible_now"
    assert cast.editor.post(f"jobs/{job.public_id}/reject", {"note": "x" * 501}).status_code == 422


@pytest.mark.parametrize("action", ["cancel", "retry", "approve"])
def test_decisions_take_no_values(cast: Cast, lamp: Product, action: str) -> None:
    job = make_job(lamp)
    answer = cast.editor.post(f"jobs/{job.public_id}/{action}", {"force": True})
    assert (answer.status_code, code_of(answer)) == (422, "unknown_field")
    job.refresh_from_db()
    assert job.status == "queued"
