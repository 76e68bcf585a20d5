"""What a worker does with one photo, with a real child, store and database; the process around it is this test's."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.db import connections

from assets_pipeline import tasks
from assets_pipeline.stores.s3 import S3Store
from assets_pipeline.worker import photo_tasks
from assets_pipeline.worker.presence import presence, runner
from catalog import leases, photo_leases
from catalog import storage as catalog_storage
from catalog.jobs import request_asset
from catalog.models import Photo, PhotoState
from catalog.photos import add_photo_from_url
from catalog.recipe import Recipe
from catalog.reconcile import reconcile
from infra.engines.engine import free_ports
from tests.catalog.web import photo as photo_answer
from tests.catalog.web import serve
from tests.workers.conftest import MakeProduct, add_photo
from tests.workers.processes import Processes, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("transactional_db", "broker")]


@pytest.fixture
def photo(make_product: MakeProduct) -> Photo:
    return make_product(state=PhotoState.CHECKING).photos.get()


@pytest.fixture(scope="module", autouse=True)
def no_child_left() -> Iterator[None]:
    yield
    runner.stop()


@pytest.fixture
def asked_to_end() -> Iterator[None]:
    presence.stopping.set()
    yield
    presence.stopping.clear()


def state_of(photo: Photo) -> tuple[str, str, int]:
    photo.refresh_from_db()
    return photo.state, photo.reject_code, photo.lost_leases


def test_a_look_that_takes_too_long_ends_and_the_photo_is_refused(photo: Photo) -> None:
    photo_tasks.look_at_photo(photo.pk, seconds=0)
    assert state_of(photo) == ("rejected", "photo_unreadable", 0)
    assert "save it once more as a JPEG" in photo.advice[0]["text"]


def test_the_time_begins_with_the_first_stage_not_with_the_childs_start(photo: Photo) -> None:
    look = photo_tasks.Look(*photo_leases.claim_photo(photo.pk, "cpu", "w1"), seconds=0)
    time.sleep(0.01)
    assert look.tick()
    look.tell(tasks.Began("inspect"))
    time.sleep(0.01)
    with pytest.raises(photo_tasks.TooSlow):
        look.tick()


def test_the_next_photo_is_looked_at_as_ever(photo: Photo) -> None:
    photo_tasks.look_at_photo(photo.pk)
    assert state_of(photo) == ("ready", "", 0)
    assert (photo.width, photo.height) == (1200, 900)
    photo_tasks.look_at_photo(photo.pk)  # the message came twice
    assert state_of(photo) == ("ready", "", 0)


def test_a_look_keeps_its_lease_however_long_it_takes(photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_leases, "LEASE_SECONDS", 1.0)
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.2)
    runner.stop()  # the child takes seconds to start
    over, lost = threading.Event(), []

    def look_after() -> None:
        while not over.wait(0.1):
            lost.append(reconcile()["photos' lost leases"])
        connections.close_all()

    thread = threading.Thread(target=look_after)
    thread.start()
    photo_tasks.look_at_photo(photo.pk)
    over.set()
    thread.join()
    assert len(lost) > 10 and not any(lost)
    assert state_of(photo) == ("ready", "", 0)


def test_a_worker_that_is_to_end_hands_the_photo_back(photo: Photo, asked_to_end: None) -> None:
    photo_tasks.look_at_photo(photo.pk)
    assert state_of(photo) == ("checking", "", 0)
    assert (photo.lease, photo.released_at) == (None, None)


def test_a_photo_whose_child_dies_goes_round_three_times_at_most(photo: Photo) -> None:
    for times in (1, 2, 3):
        runner.stop()
        killer = threading.Thread(target=kill_the_child)
        killer.start()
        photo_tasks.look_at_photo(photo.pk)
        killer.join()
        if times < 3:
            assert state_of(photo) == ("checking", "", times)
    assert state_of(photo) == ("rejected", "photo_unreadable", 2)


def kill_the_child() -> None:
    pid = wait_until(lambda: runner.pid, seconds=20, what="the child starts")
    os.kill(pid, signal.SIGKILL)


def test_a_photo_waits_while_the_store_is_away(photo: Photo, storage: S3Store, settings: Any) -> None:

    settings.ENV = replace(settings.ENV, s3_endpoint_url=f"http://127.0.0.1:{free_ports(1)[0]}")
    catalog_storage.storage.cache_clear()
    photo_tasks.look_at_photo(photo.pk)
    assert state_of(photo) == ("checking", "", 0)
    assert photo.attempts == 1 and photo.retry_at


class TestProcesses:
    """Workers that end while a shop's server takes its time."""

    ENVIRON: ClassVar = {"FETCH_ALLOWED_NETWORKS": "127.0.0.0/8"}

    @pytest.fixture
    def silent(self) -> Iterator[socket.socket]:
        """A server that takes connections and says nothing."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(60)
            yield listener

    @pytest.fixture
    def fetched(
        self, processes: Processes, make_product: MakeProduct, settings: Any, silent: socket.socket
    ) -> Iterator[Photo]:
        """A photo that worker-1 is fetching."""
        settings.FETCH_ALLOWED_NETWORKS = ("127.0.0.0/8",)
        processes.start_worker("worker-1", **self.ENVIRON)
        product = make_product()
        photo = add_photo_from_url(product, f"http://127.0.0.1:{silent.getsockname()[1]}/a.jpg")
        held, _ = silent.accept()
        photo.refresh_from_db()
        assert photo.lease
        with held:
            yield photo

    def test_a_killed_workers_photo_is_fetched_by_another_within_twenty_seconds(
        self, processes: Processes, fetched: Photo, silent: socket.socket
    ) -> None:
        processes.start_worker("worker-2", **self.ENVIRON)
        processes.kill("worker-1")
        silent.settimeout(20)
        silent.accept()[0].close()
        fetched.refresh_from_db()
        assert fetched.lost_leases == 1

    def test_a_worker_that_is_to_end_hands_the_photo_back_in_time(
        self, processes: Processes, fetched: Photo, silent: socket.socket
    ) -> None:
        processes.start_worker("worker-2", **self.ENVIRON)
        os.kill(processes.running["worker-1"].pid, signal.SIGTERM)
        silent.settimeout(10)
        silent.accept()[0].close()
        fetched.refresh_from_db()
        assert fetched.lost_leases == 0

    def test_a_photo_comes_from_its_address_and_is_looked_at(
        self, processes: Processes, make_product: MakeProduct, samples: Path, settings: Any
    ) -> None:
        settings.FETCH_ALLOWED_NETWORKS = ("127.0.0.0/8",)
        processes.start_worker(**self.ENVIRON)
        with serve(photo_answer((samples / "bottle" / "front.jpg").read_bytes())) as web:
            photo = add_photo_from_url(make_product(), f"{web.url}/a.jpg")
            wait_until(lambda: state_of(photo)[0] == "ready", seconds=60, what="the photo is ready")
            assert len(web.requests) == 1

    def test_slow_photos_of_one_shop_keep_no_job_waiting(
        self, processes: Processes, make_product: MakeProduct, settings: Any, silent: socket.socket, storage: S3Store
    ) -> None:
        """Two workers; forty addresses that never answer; the job and another shop's photo go on."""
        settings.FETCH_ALLOWED_NETWORKS = ("127.0.0.0/8",)
        for number in (1, 2):
            processes.start_worker(f"worker-{number}", **self.ENVIRON)
        slow = make_product()
        for number in range(40):
            add_photo_from_url(slow, f"http://127.0.0.1:{silent.getsockname()[1]}/{number}.jpg")
        silent.accept()

        job = request_asset(make_product(), Recipe(quality="draft", texture_size=512, triangles=4000))
        add_photo(slow, b"GIF89a", storage, state=PhotoState.CHECKING)

        def ended() -> bool:
            job.refresh_from_db()
            return job.status == "needs_review"

        wait_until(ended, seconds=90, what="the job ends")
        assert Photo.objects.filter(lease__isnull=False, queue="io").count() <= 1
