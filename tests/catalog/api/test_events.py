"""Following a job by server-sent events: through Django's client, and through a real web process."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from catalog.api import events
from catalog.api.access import Access
from catalog.api.events import STREAMS_PER_CALLER, Watch, last_event_id
from catalog.jobs import cancel_job
from catalog.leases import report_progress
from catalog.merchants import issue_api_key, revoke_api_key
from catalog.models import AssetJob, JobEvent, Role, Status
from tests.catalog.api.serving import Stream, Web, web
from tests.catalog.conftest import Cast
from tests.catalog.makers import claim, make_job, make_merchant, make_product

pytestmark = pytest.mark.usefixtures("broker")


def names(text: str) -> list[str]:
    return [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]


class TestOneLook:
    """Over WSGI, and what a stream looks at each time."""

    def test_tells_what_happened_and_how_it_stands(self, cast: Cast) -> None:
        job = make_job(make_product(cast.shop))
        job.record("status")
        cancel_job(job)
        answer = cast.viewer.get(f"jobs/{job.public_id}/events")
        text = answer.content.decode()
        assert names(text) == ["status", "status", "job"]
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert (answer.headers["Cache-Control"], answer.headers["X-Accel-Buffering"]) == ("no-cache", "no")
        ids = [line for line in text.splitlines() if line.startswith("id: ")]
        assert ids == [f"id: {pk}" for pk in JobEvent.objects.order_by("pk").values_list("pk", flat=True)]

    def test_goes_on_after_the_event_that_was_seen_last(self, cast: Cast) -> None:
        job = make_job(make_product(cast.shop))
        first, second = job.record("status"), job.record("note", text="hello")
        path = f"jobs/{job.public_id}/events"
        text = cast.viewer.get(path, headers={"Last-Event-ID": str(first.pk)}).content.decode()
        assert names(text) == ["note", "job"] and f"id: {second.pk}\n" in text

    def test_nothing_more_comes_when_all_has_been_told(self, cast: Cast) -> None:
        job = make_job(make_product(cast.shop))
        cancel_job(job)
        path, last = f"jobs/{job.public_id}/events", str(job.events.latest("pk").pk)
        answer = cast.viewer.get(path, headers={"Last-Event-ID": last})
        assert (answer.status_code, answer.content) == (204, b"")
        assert cast.viewer.get(path, headers={"Last-Event-ID": "0"}).status_code == 200
        assert cast.viewer.get(path).status_code == 200

    @pytest.mark.parametrize("accept", ["text/event-stream", "application/json", "*/*", "text/html", "nonsense"])
    def test_whatever_is_accepted_errors_have_the_one_shape(self, cast: Cast, accept: str) -> None:
        answer = cast.viewer.get("jobs/job_none/events", headers={"Accept": accept})
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/json")
        assert answer.json()["error"]["code"] == "not_found"

    def test_a_job_of_others_is_not_there(self, cast: Cast) -> None:
        job = make_job(make_product(cast.other))
        assert cast.viewer.get(f"jobs/{job.public_id}/events").status_code == 404
        assert cast.nobody.get(f"jobs/{job.public_id}/events").status_code == 401

    def test_a_second_look_tells_only_what_is_new(self, cast: Cast) -> None:
        job = make_job(make_product(cast.shop))
        watch = Watch(job.pk, 0)
        assert names(watch.look()) == ["job"]
        assert watch.look() == ""
        AssetJob.objects.filter(pk=job.pk).update(progress=5)
        job.record("note", text="hello")
        assert names(watch.look()) == ["note", "job"]
        assert watch.look() == "" and not watch.over
        cancel_job(job)
        assert names(watch.look()) == ["status", "job"] and watch.over

    def test_the_place_in_the_queue_is_estimated_anew_now_and_then(
        self, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ahead, job = make_job(make_product(cast.shop)), make_job(make_product(cast.shop))
        watch = Watch(job.pk, 0)
        assert '"queue_position": 2' in watch.look()
        cancel_job(ahead)
        assert watch.look() == ""
        monkeypatch.setattr(events, "ESTIMATE_SECONDS", 0.0)
        assert '"queue_position": 1' in watch.look()
        assert watch.look() == ""

    def test_a_deleted_job_ends_the_stream(self, cast: Cast) -> None:
        job = make_job(make_product(cast.shop))
        watch = Watch(job.pk, 0)
        job.delete()
        assert (watch.look(), watch.over) == ("", True)

    def test_who_may_not_watch_any_more_hears_no_more(self, cast: Cast) -> None:
        job, (key, _) = make_job(make_product(cast.shop)), issue_api_key(cast.shop, "till", may_write=False)
        by_key = Access(cast.shop, Role.VIEWER, key)
        member = cast.shop.members.filter(role=Role.VIEWER).get()
        in_person = Access(cast.shop, Role.VIEWER, user_id=member.user_id)
        watches = [Watch(job.pk, 0, access.still_holds) for access in (by_key, in_person)]
        assert [names(watch.look()) for watch in watches] == [["job"], ["job"]]
        revoke_api_key(key)
        member.delete()
        job.record("note", text="secret")
        assert [(watch.look(), watch.over) for watch in watches] == [("", True)] * 2

    @pytest.mark.parametrize(
        ("text", "number"), [("", 0), ("7", 7), ("-7", 0), ("7.5", 0), ("x", 0), ("٣", 0), ("9" * 40, 2**63 - 1)]
    )
    def test_an_id_that_is_none_begins_at_the_beginning(self, text: str, number: int) -> None:
        assert last_event_id(text) == number


@pytest.mark.django_db(transaction=True)
class TestStream:
    """Through uvicorn."""

    @pytest.fixture
    def served(self, tmp_path: Path, service_environ: dict[str, str]) -> Iterator[Web]:
        with web(tmp_path / "web.log", service_environ) as running:
            yield running

    @pytest.fixture
    def job(self, transactional_db: None) -> AssetJob:
        job = make_job(make_product(make_merchant()))
        job.record("status")
        return job

    @pytest.fixture
    def watch(self, served: Web, job: AssetJob) -> Any:
        """Follow the job with one and the same key."""
        text = issue_api_key(job.merchant, "watches", may_write=False)[1]

        def open_stream(**headers: str) -> Stream:
            path = f"/api/v1/jobs/{job.public_id}/events"
            return Stream(served.port, path, {"Authorization": f"Bearer {text}", **headers})

        return open_stream

    def test_tells_a_job_as_it_happens_and_ends_with_it(self, watch: Any, job: AssetJob) -> None:
        with watch() as stream:
            assert stream.status == 200
            assert stream.answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
            assert stream.answer.headers["X-Accel-Buffering"] == "no"
            assert stream.until("job").data["status"] == "queued"
            lease = claim(job)
            begun = time.monotonic()
            assert stream.until("job", status="running").data["progress"] == 0
            assert time.monotonic() - begun < 5
            report_progress(lease, "segment", 12)
            stage = stream.until("stage", stage="segment")
            assert int(stage.id) == JobEvent.objects.get(kind="stage").pk
            assert stream.until("job", progress=12).data["stage"] == "segment"
            job.refresh_from_db()
            job.move_to(Status.FAILED, reason="out_of_luck", advice="Try again.")
            rest = stream.rest()
        assert [event.name for event in rest] == ["status", "job"]
        assert rest[-1].data["reason"] == "out_of_luck"
        assert rest[-1].data["ended_at"] is not None

    def test_goes_on_where_a_broken_connection_ended(self, watch: Any, job: AssetJob) -> None:
        with watch() as stream:
            last = stream.until("status").id
        job.record("note", text="while nobody watched")
        with watch(**{"Last-Event-ID": last}) as stream:
            assert stream.until("note").data["text"] == "while nobody watched"
            cancel_job(job)
            told = stream.rest()
        assert [event.name for event in told if event.name != "job"] == ["status"]
        with watch(**{"Last-Event-ID": max(event.id for event in told)}) as stream:
            assert stream.status == 204

    def test_one_key_has_only_so_many_streams_at_a_time(self, watch: Any, job: AssetJob, served: Web) -> None:
        open_streams = [watch() for _ in range(STREAMS_PER_CALLER)]
        for stream in open_streams:
            assert stream.__enter__().status == 200
            stream.until("job")
        with watch() as one_more:
            assert one_more.status == 429
            assert int(one_more.answer.headers["Retry-After"]) > 0
            assert b"too_many_requests" in one_more.answer.read()
        other = issue_api_key(job.merchant, "another", may_write=False)[1]
        with Stream(served.port, open_streams[0].path, {"Authorization": f"Bearer {other}"}) as stream:
            assert stream.status == 200
        open_streams[0].__exit__(None, None, None)
        self.wait_for(lambda: self.opens(watch), "the place of a stream that has gone is free")
        for stream in open_streams[1:]:
            stream.__exit__(None, None, None)

    def test_holds_no_thread_and_no_connection_while_nothing_happens(self, job: AssetJob, served: Web) -> None:
        database = str(connection.settings_dict["NAME"])
        keys = [issue_api_key(job.merchant, f"key {n}", may_write=False)[1] for n in range(6)]
        path = f"/api/v1/jobs/{job.public_id}/events"
        with Stream(served.port, path, {"Authorization": f"Bearer {keys[0]}"}) as first:
            first.until("job")
            time.sleep(2.5)  # its looks have started the shared threads
            before = served.threads()
        streams = [Stream(served.port, path, {"Authorization": f"Bearer {key}"}) for key in keys for _ in range(4)]
        for stream in streams:
            stream.__enter__().until("job")
        self.wait_for(lambda: served.threads() <= before + events.LOOKERS._max_workers, "threads are gone")
        self.wait_for(lambda: served.open_files(database) == 0, "no connection is open between two looks")
        cancel_job(job)
        for stream in streams:
            assert stream.until("job", status="cancelled")
            assert stream.next() is None
            stream.__exit__(None, None, None)

    def wait_for(self, true: Any, what: str) -> None:
        end = time.monotonic() + 10
        while not true():
            assert time.monotonic() < end, what
            time.sleep(0.02)

    def opens(self, watch: Any) -> bool:
        with watch() as stream:
            return bool(stream.status == 200)

    @pytest.mark.slow
    def test_a_comment_comes_when_nothing_happens(self, watch: Any) -> None:
        with watch() as stream:
            stream.until("job")
            begun = time.monotonic()
            event = stream.next()
            assert event is not None and event.comment
            assert 10 < time.monotonic() - begun < 20
