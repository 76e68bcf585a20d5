"""What workers advertise and what follows from it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.models import Worker
from catalog.workers import LIVE_SECONDS, known_generators, known_names, live_workers, sign_off, slots_of
from catalog.workers import advertise as say
from tests.catalog.makers import make_worker

pytestmark = pytest.mark.django_db


def silence(name: str, seconds: float) -> None:
    Worker.objects.filter(name=name).update(last_seen_at=timezone.now() - timedelta(seconds=seconds))


def test_slots_add_up_over_live_workers_that_read_the_queue() -> None:
    make_worker("a", slots=2)
    make_worker("b", queues=("gpu",), slots=4)
    make_worker("c", slots=8)
    silence("c", LIVE_SECONDS + 1)
    assert (slots_of("cpu"), slots_of("gpu"), slots_of("fpga")) == (2, 6, 0)


def test_a_worker_that_calls_again_is_the_same_worker() -> None:
    make_worker("a", slots=2)
    silence("a", LIVE_SECONDS + 1)
    make_worker("a", slots=3)
    assert (Worker.objects.count(), slots_of("cpu")) == (1, 3)


def test_a_worker_that_signs_off_no_longer_counts_but_stays_known() -> None:
    make_worker("a")
    sign_off("a")
    assert live_workers() == []
    assert set(known_generators()) == {"primitive", "triposg"}
    assert known_names("qualities") == {"draft", "standard"}


def test_a_generator_that_runs_anywhere_is_advertised_as_running() -> None:
    spec = {"name": "triposg", "queue": "gpu"}
    for name, runs in (("old", False), ("gpu", True), ("new", False)):
        say(name, queues=["gpu"], generators=[spec | {"runs_here": runs}], profiles=[], qualities=[], slots=1)
    assert known_generators()["triposg"]["runs_here"]
