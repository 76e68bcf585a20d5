"""Photos are released one merchant after the other, few at a time, once each, and by index however many wait."""

from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import dramatiq
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.deletion import delete_merchant
from catalog.errors import LostRace
from catalog.models import Merchant, Photo, PhotoState
from catalog.photo_leases import claim_photo, refuse_photo, settle_photo
from catalog.photo_turns import photos_out, release_photos
from catalog.photos import add_photo_from_url, change_photo
from catalog.reconcile import lose_photo_leases, reconcile, resend_photos
from tests.catalog.makers import make_merchant, make_photo, make_photos, make_product, make_worker
from tests.catalog.races import race, run_processes
from tests.catalog.sent import sent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker")]

FETCHED = {"state": PhotoState.AWAITED, "source_url": "https://shop.example/a.jpg"}


def look(photo_pk: int) -> None:
    """What a worker does with the message, for no time."""
    _, lease = claim_photo(photo_pk, "cpu", "w1")
    settle_photo(lease, sha256=f"{photo_pk:064d}", bytes=1, width=800, height=600, advice=[])


def look_at_all(broker: dramatiq.Broker) -> list[int]:
    """Do what the messages say, one after the other; returns the merchants in the order of their photos."""
    merchants: list[int] = []
    while len(waiting := sent(broker)) > len(merchants):
        pk = waiting[len(merchants)][2]
        merchants.append(Photo.objects.get(pk=pk).merchant_id)
        look(pk)
    return merchants


class TestTheRoom:
    @pytest.mark.parametrize(("slots", "held"), [(1, 1), (2, 1), (3, 2), (8, 7)])
    def test_leaves_a_slot_for_jobs(self, slots: int, held: int, broker: dramatiq.Broker) -> None:
        make_worker(slots=slots)
        for _ in range(9):
            make_photos(make_merchant(), 3)
        assert release_photos() == 2 * slots
        assert release_photos() == 0
        messages = sent(broker)
        claims = race(*[lambda pk=pk: claim_photo(pk, "cpu", "w") for *_, pk in messages])
        assert sum(isinstance(claim, tuple) for claim in claims) == held
        waiting = Photo.objects.filter(retry_at__isnull=False, released_at=None, lease=None)
        assert waiting.count() == 2 * slots - held, "the others get another turn soon"
        assert all(photo.retry_at < timezone.now() + timedelta(seconds=4) for photo in waiting if photo.retry_at)

    def test_of_workers_that_only_fetch_takes_none_from_those_that_look(self) -> None:
        """As with `--queues cpu` on one machine and `--queues io` on another."""
        make_worker("looks", queues=("cpu",))
        make_worker("fetches", queues=("io",), slots=2)
        slow, other = make_photos(make_merchant(), 3, **FETCHED), make_photos(make_merchant(), 1)[0]
        for photo in slow[:2]:
            claim_photo(photo.pk, "io", "fetches")
        claim_photo(other.pk, "cpu", "looks")

    def test_of_workers_that_only_fetch_is_no_slot_for_jobs(self) -> None:
        make_worker("looks", queues=("cpu",), slots=2)
        make_worker("fetches", queues=("io",), slots=9)
        first, second = make_photos(make_merchant(), 2)
        claim_photo(first.pk, "cpu", "looks")
        with pytest.raises(LostRace):
            claim_photo(second.pk, "cpu", "looks")

    def test_leaves_a_slot_for_jobs_of_workers_that_fetch_too(self) -> None:
        make_worker("both", queues=("cpu", "io"), slots=2)
        make_worker("fetches", queues=("io",), slots=1)
        photos = make_photos(make_merchant(), 3, **FETCHED)
        claim_photo(photos[0].pk, "io", "both")
        with pytest.raises(LostRace):
            claim_photo(photos[1].pk, "io", "both")
        claim_photo(photos[2].pk, "io", "fetches")

    def test_is_shared_by_photos_to_fetch_and_to_look_at(self) -> None:
        make_worker("a", slots=2)
        make_worker("b", slots=2)
        make_worker("c", queues=("gpu",), slots=50)
        for _ in range(3):
            make_photos(make_merchant(), 3)
            make_photos(make_merchant(), 3, **FETCHED)
        assert release_photos() == 8
        assert set(Photo.objects.filter(released_at__isnull=False).values_list("queue", flat=True)) == {"cpu", "io"}

    def test_of_a_queue_that_nobody_reads_is_none_and_costs_the_others_nothing(self, broker: dramatiq.Broker) -> None:
        merchant = make_merchant()
        make_photos(merchant, 3, **FETCHED)
        looked_at = make_photos(merchant, 1)[0]
        assert release_photos() == 0
        make_worker(queues=("cpu",))
        assert release_photos() == 1
        assert sent(broker) == [("cpu", "inspect_photo", looked_at.pk)]

    def test_is_free_again_as_photos_are_settled(self, broker: dramatiq.Broker) -> None:
        make_worker(slots=2)
        make_photos(make_merchant(), 5)
        release_photos()
        assert len(look_at_all(broker)) == 5
        assert set(Photo.objects.values_list("state", flat=True)) == {PhotoState.READY}

    def test_of_one_merchant_is_small(self) -> None:
        make_worker(slots=20)
        greedy, other = make_merchant(), make_merchant()
        make_photos(greedy, 5)
        make_photos(greedy, 5, **FETCHED)
        make_photos(other, 1)
        assert release_photos() == 5
        out = Photo.objects.filter(released_at__isnull=False).values_list("merchant_id", flat=True)
        assert Counter(out) == {greedy.pk: 4, other.pk: 1}


class TestTurns:
    def test_go_from_merchant_to_merchant(self, broker: dramatiq.Broker) -> None:
        make_worker(slots=2)
        one, two, three = (make_merchant() for _ in range(3))
        for merchant, number in ((one, 6), (two, 2), (three, 1)):
            make_photos(merchant, number)
        release_photos()
        assert look_at_all(broker) == [m.pk for m in (one, two, three, one, two, one, one, one, one)]

    def test_a_thousand_addresses_do_not_delay_anothers_photo(self, broker: dramatiq.Broker) -> None:
        make_worker(slots=2)
        many = make_merchant()
        make_photos(many, 1000, **FETCHED)
        release_photos()
        (photo,) = make_photos(make_merchant(), 1)
        first = sent(broker)[0][2]
        _, lease = claim_photo(first, "io", "w1")
        refuse_photo(lease, "url_status", "The address answers 404.")
        assert ("cpu", "inspect_photo", photo.pk) in sent(broker)

    def test_a_merchant_whose_room_is_full_is_passed_over(self) -> None:
        make_worker(slots=9)
        full, other = make_merchant(), make_merchant()
        make_photos(full, 4, released_at=timezone.now())
        make_photos(full, 50)
        (photo,) = make_photos(other, 1)
        assert release_photos() == 1
        photo.refresh_from_db()
        assert photo.released_at

    def test_write_nothing_while_all_who_wait_have_their_room_full(self) -> None:
        """A pass comes every half second, and SQLite has one write lock."""
        make_worker(slots=9)
        full, leaving = make_merchant(), make_merchant()
        make_photos(full, 4, released_at=timezone.now())
        for merchant in (full, leaving):
            make_photos(merchant, 5)
        delete_merchant(leaving)
        with CaptureQueriesContext(connection) as queries:
            assert release_photos() == 0
        assert [each["sql"] for each in queries if not each["sql"].startswith("SELECT")] == []

    def test_are_for_photos_that_need_a_worker_alone(self) -> None:
        make_worker(slots=9)
        product = make_product(make_merchant())
        make_photo(product, state=PhotoState.REJECTED, reject_code="photo_broken")
        make_photo(product, state=PhotoState.AWAITED, sha256="")  # a browser sends it
        make_photo(product, state=PhotoState.CHECKING, retry_at=timezone.now() + timedelta(seconds=9))
        assert release_photos() == 0
        due = make_photo(product, state=PhotoState.CHECKING, retry_at=timezone.now() - timedelta(seconds=9))
        assert release_photos() == 1
        due.refresh_from_db()
        assert due.released_at and due.retry_at is None

    def test_come_with_the_photo_itself(self, broker: dramatiq.Broker) -> None:
        make_worker()
        photo = add_photo_from_url(make_product(make_merchant()), "https://shop.example/a.jpg")
        assert sent(broker) == [("io", "fetch_photo", photo.pk)]

    def test_survive_that_somebody_changes_the_photo_meanwhile(self, broker: dramatiq.Broker) -> None:
        (photo,) = make_photos(make_merchant(), 1)
        make_worker()
        release_photos()
        change_photo(photo, "front")
        photo.refresh_from_db()
        assert photo.released_at


class TestSeveralAtOnce:
    def test_threads_release_no_photo_twice_and_do_not_overshoot(self, broker: dramatiq.Broker) -> None:
        make_worker(slots=6)
        for _ in range(4):
            make_photos(make_merchant(), 9)
        assert sum(race(*[release_photos] * 6)) == 12
        messages = [pk for *_, pk in sent(broker)]
        assert len(messages) == len(set(messages)) == 12

    def test_processes_release_no_photo_twice_and_do_not_overshoot(self, broker: dramatiq.Broker, valkey: Any) -> None:
        make_worker(slots=6)
        for _ in range(4):
            make_photos(make_merchant(), 9)
        script = """
from catalog.photo_turns import photos_out, release_photos
print("ready", flush=True)
input()
print(release_photos())
"""
        counts = run_processes(script, 3, BROKER_URL=f"{valkey.url}/0")
        assert sum(map(int, counts)) == 12
        messages = [pk for *_, pk in sent(broker)]
        assert len(messages) == len(set(messages)) == 12


@contextmanager
def steps() -> Any:
    """How many hundred steps SQLite's machine takes."""
    taken: Counter[str] = Counter()

    def count() -> int:
        taken["hundreds"] += 1
        return 0

    connection.ensure_connection()
    connection.connection.set_progress_handler(count, 100)
    try:
        yield taken
    finally:
        connection.connection.set_progress_handler(None, 0)


def crowd(number: int) -> Merchant:
    """`number` photos of one merchant each: waiting, to be fetched, postponed, awaited from a browser, rejected."""
    many = make_merchant()
    later = timezone.now() + timedelta(hours=1)
    for fields in (
        {},
        FETCHED,
        {"retry_at": later},
        {"state": PhotoState.AWAITED},
        {"state": PhotoState.REJECTED, "reject_code": "photo_broken"},
        {"state": PhotoState.READY, "width": 800},
    ):
        make_photos(many, number, **fields)
    return many


def use_everything(broker: dramatiq.Broker) -> None:
    """Release, settle, lose a lease, send again, look after all."""
    make_worker(slots=4)
    make_photos(make_merchant(), 2)
    assert release_photos() == 6
    for queue, _, pk in sent(broker)[:2]:
        if queue == "cpu":
            look(pk)
    out = photos_out("cpu").order_by("released_at")[0]
    claim_photo(out.pk, "cpu", "gone")
    Photo.objects.filter(pk=out.pk).update(lease_expires_at=timezone.now())
    assert lose_photo_leases(timezone.now()) == 1
    resend_photos(timezone.now() + timedelta(seconds=900))
    reconcile()


def test_sixty_thousand_photos_cost_no_more_than_three_thousand(storage: Any, broker: dramatiq.Broker) -> None:
    """SQLite's steps are counted, not seconds: they are the same on every machine."""
    crowd(500)
    with steps() as few:
        use_everything(broker)
    Merchant.objects.all().delete()
    broker.client.flushall()  # type: ignore[attr-defined]
    crowd(10_000)
    with steps() as many:
        use_everything(broker)
    assert few["hundreds"] > 10
    assert many["hundreds"] < 1.5 * few["hundreds"]


def test_every_question_about_photos_is_answered_by_an_index(storage: Any, broker: dramatiq.Broker) -> None:
    crowd(300)
    seen: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        use_everything(broker)
    reads = [each for each in seen if each[0].startswith(("SELECT", "UPDATE")) and "catalog_photo" in each[0]]
    assert len(reads) > 20
    plans = [(line, sql) for sql, params in reads for line in plan(sql, params)]
    assert [each for each in plans if looks_through(each[0])] == []


def plan(sql: str, params: Any) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        return [str(row[3]) for row in cursor.fetchall()]


def looks_through(line: str) -> bool:
    """Whether SQLite reads a whole table, or sorts more than an index gave it."""
    return "TEMP B-TREE" in line or (line.startswith("SCAN catalog_photo") and "USING" not in line)
