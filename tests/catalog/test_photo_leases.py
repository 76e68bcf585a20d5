"""The worker's side of a photo, on a real database and store: held by one, settled once, never for ever."""

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import dramatiq
import pytest
from django.db import connections
from django.utils import timezone

from catalog import photo_leases
from catalog.errors import Away, LostRace
from catalog.models import Photo, PhotoState, Product
from catalog.photo_leases import (
    MAX_ATTEMPTS,
    PhotoLease,
    claim_photo,
    extend_photo_lease,
    fetch_photo,
    hand_back_photo,
    lose_expired_photo,
    lose_photo,
    postpone_photo,
    refuse_photo,
    settle_photo,
)
from catalog.photo_turns import release_photos
from catalog.photos import add_photo_from_url
from catalog.storage import Storage
from infra.engines.engine import Engine
from tests.catalog.makers import make_merchant, make_photos, make_product, make_worker
from tests.catalog.races import race
from tests.catalog.sent import sent
from tests.catalog.web import photo as photo_answer
from tests.catalog.web import serve

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker")]

SEEN: dict[str, Any] = {"sha256": "a" * 64, "bytes": 1, "width": 800, "height": 600, "advice": []}
REMARK = {"code": "low_resolution", "text": "The photo is only 800 pixels long.", "level": "usable"}


def killed(*_: object, **__: object) -> None:
    """What happens to a worker between two lines."""
    raise KeyboardInterrupt


@pytest.fixture
def photo() -> Photo:
    return make_photos(make_merchant(), 1)[0]


def row(photo: Photo) -> Any:
    return Photo.objects.filter(pk=photo.pk).values().get()


def claim(photo: Photo, queue: str = "cpu") -> PhotoLease:
    return claim_photo(photo.pk, queue, "w1")[1]


def expire(photo: Photo) -> None:
    Photo.objects.filter(pk=photo.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


WRITES: dict[str, Callable[[PhotoLease], object]] = {
    "extend": extend_photo_lease,
    "settle": lambda lease: settle_photo(lease, **SEEN),
    "refuse": lambda lease: refuse_photo(lease, "photo_broken", "The photo's file is damaged."),
    "postpone": postpone_photo,
    "hand back": hand_back_photo,
    "lose": lose_photo,
}


class TestClaims:
    def test_hold_the_photo_for_one_worker(self, photo: Photo) -> None:
        claimed, lease = claim_photo(photo.pk, "cpu", "host:1")
        assert (claimed.lease, claimed.worker) == (lease.token, "host:1")
        with pytest.raises(LostRace):
            claim(photo)

    def test_by_many_at_once_are_won_by_one(self, photo: Photo) -> None:
        found = race(*[lambda: claim(photo)] * 6)
        assert sum(isinstance(each, PhotoLease) for each in found) == 1
        assert sum(isinstance(each, LostRace) for each in found) == 5

    @pytest.mark.parametrize(
        "fields",
        [
            {"state": PhotoState.READY},
            {"state": PhotoState.AWAITED},
            {"state": PhotoState.AWAITED, "source_url": "https://shop.example/a.jpg"},
            {"retry_at": timezone.now() + timedelta(hours=1)},
        ],
    )
    def test_of_what_is_not_to_be_looked_at_now_fail(self, photo: Photo, fields: dict[str, Any]) -> None:
        Photo.objects.filter(pk=photo.pk).update(**fields)
        before = row(photo)
        with pytest.raises(LostRace):
            claim(photo)
        assert row(photo) == before

    def test_take_over_what_a_dead_worker_held(self, photo: Photo) -> None:
        first = claim(photo)
        expire(photo)
        second = claim(photo)
        assert first != second
        photo.refresh_from_db()
        assert photo.lost_leases == 1

    def test_of_a_photo_that_is_gone_fail(self, photo: Photo) -> None:
        photo.delete()
        with pytest.raises(LostRace):
            claim_photo(10**9, "cpu", "w1")


class TestEveryWrite:
    @pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
    def test_of_a_worker_that_lost_its_lease_changes_nothing(
        self, photo: Photo, write: Callable[[PhotoLease], object]
    ) -> None:
        late = claim(photo)
        expire(photo)
        claim(photo)
        before = row(photo)
        with pytest.raises(LostRace):
            write(late)
        assert row(photo) == before

    @pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
    def test_about_a_photo_that_was_deleted_fails(self, photo: Photo, write: Callable[[PhotoLease], object]) -> None:
        lease = claim(photo)
        Photo.objects.all().delete()
        with pytest.raises(LostRace):
            write(lease)

    @pytest.mark.parametrize("name", [name for name in WRITES if name != "extend"])
    def test_but_the_heartbeat_lets_go(self, photo: Photo, name: str) -> None:
        WRITES[name](claim(photo))
        photo.refresh_from_db()
        assert (photo.lease, photo.lease_expires_at, photo.worker, photo.released_at) == (None, None, "", None)

    def test_of_the_heartbeat_keeps_the_lease(self, photo: Photo) -> None:
        lease = claim(photo)
        expire(photo)
        extend_photo_lease(lease)
        assert not lose_expired_photo(photo.pk)
        settle_photo(lease, **SEEN)


class TestEnds:
    def test_a_photo_that_will_do_is_ready(self, photo: Photo) -> None:
        settle_photo(claim(photo), **SEEN | {"advice": [REMARK]})
        photo.refresh_from_db()
        assert (photo.state, photo.sha256, photo.width, photo.height) == ("ready", "a" * 64, 800, 600)
        assert photo.advice == [REMARK]

    def test_the_same_photo_by_two_ways_is_rejected_the_second_time(self) -> None:
        first, second = make_photos(make_merchant(), 2)
        for each in (first, second):
            settle_photo(claim(each), **SEEN)
            each.refresh_from_db()
        assert first.state == "ready"
        assert (second.state, second.reject_code, second.sha256) == ("rejected", "photo_twice", "")

    def test_a_photo_that_will_not_do_says_what_helps(self, photo: Photo) -> None:
        refuse_photo(claim(photo), "photo_broken", "Take it once more.")
        photo.refresh_from_db()
        assert (photo.state, photo.reject_code) == ("rejected", "photo_broken")
        assert photo.advice == [{"code": "photo_broken", "text": "Take it once more.", "level": "retake", "boxes": []}]

    def test_a_photo_handed_back_goes_to_another_worker_at_once(self, photo: Photo, broker: dramatiq.Broker) -> None:
        make_worker()
        release_photos()
        hand_back_photo(claim(photo))
        assert sent(broker) == [("cpu", "inspect_photo", photo.pk)] * 2
        photo.refresh_from_db()
        assert (photo.lost_leases, photo.attempts) == (0, 0)

    def test_a_photo_that_stops_its_worker_again_and_again_is_refused(
        self, photo: Photo, broker: dramatiq.Broker
    ) -> None:
        make_worker()
        release_photos()
        lose_photo(claim(photo))
        claim(photo)
        expire(photo)
        assert lose_expired_photo(photo.pk)
        lose_photo(claim(photo))
        photo.refresh_from_db()
        assert (photo.state, photo.reject_code) == ("rejected", "photo_unreadable")
        assert "save it once more as a JPEG" in photo.advice[0]["text"]
        assert sent(broker) == [("cpu", "inspect_photo", photo.pk)] * 3

    def test_a_lost_lease_is_counted_once_by_several_that_look(self, photo: Photo) -> None:
        claim(photo)
        expire(photo)
        assert sorted(race(*[lambda: lose_expired_photo(photo.pk)] * 4)) == [False, False, False, True]
        photo.refresh_from_db()
        assert photo.lost_leases == 1

    def test_what_is_away_is_waited_for_ever_longer_and_for_a_day_at_most(self, photo: Photo) -> None:
        waits = []
        while True:
            postpone_photo(claim(photo))
            photo.refresh_from_db()
            if photo.retry_at is None:
                break
            waits.append((photo.retry_at - timezone.now()).total_seconds())
            Photo.objects.filter(pk=photo.pk).update(retry_at=None)
        assert len(waits) == MAX_ATTEMPTS - 1
        assert waits[0] == pytest.approx(20, abs=2) and waits[-1] == pytest.approx(600, abs=2)
        assert waits[:6] == sorted(waits[:6])
        assert sum(waits) == pytest.approx(86_400, rel=0.05)
        assert (photo.state, photo.reject_code) == ("rejected", "photo_unreadable")


class TestFetching:
    @pytest.fixture
    def lamp(self, settings: Any) -> Product:
        settings.FETCH_ALLOWED_NETWORKS = ("127.0.0.0/8",)
        make_worker()
        return make_product(make_merchant(), photos=0)

    @pytest.fixture
    def jpeg(self, samples: Path) -> bytes:
        return (samples / "lamp" / "front.jpg").read_bytes()

    def test_brings_the_photo_and_has_it_looked_at(
        self, lamp: Product, jpeg: bytes, storage: Storage, broker: dramatiq.Broker
    ) -> None:
        with serve(photo_answer(jpeg)) as web:
            photo = add_photo_from_url(lamp, f"{web.url}/a.jpg")
            fetch_photo(*claim_photo(photo.pk, "io", "w1"))
            with pytest.raises(LostRace):  # the message came twice
                claim(photo, "io")
            assert len(web.requests) == 1
        photo.refresh_from_db()
        assert (photo.state, photo.bytes, photo.content_type) == ("checking", len(jpeg), "image/jpeg")
        assert storage.get(photo.key) == jpeg
        assert sent(broker) == [("cpu", "inspect_photo", photo.pk), ("io", "fetch_photo", photo.pk)]

    def test_of_what_will_not_do_rejects_it_with_its_code(self, lamp: Product, storage: Storage) -> None:
        with serve(photo_answer(b"<svg/>", "image/svg+xml")) as web:
            drawing = add_photo_from_url(lamp, f"{web.url}/a.svg")
            fetch_photo(*claim_photo(drawing.pk, "io", "w1"))
        router = add_photo_from_url(lamp, "http://192.168.0.1/a.jpg")
        fetch_photo(*claim_photo(router.pk, "io", "w1"))
        drawing.refresh_from_db()
        router.refresh_from_db()
        assert (drawing.state, drawing.reject_code) == ("rejected", "not_an_image")
        assert (router.state, router.reject_code) == ("rejected", "url_private")
        assert "private network" in router.advice[0]["text"]
        assert list(storage.list("photos/")) == []

    def test_a_photo_that_is_deleted_meanwhile_leaves_nothing(
        self, lamp: Product, jpeg: bytes, storage: Storage
    ) -> None:
        def deleted_meanwhile(request: str) -> Any:
            Photo.objects.all().delete()
            connections.close_all()
            return photo_answer(jpeg)(request)

        with serve(deleted_meanwhile) as web:
            photo = add_photo_from_url(lamp, f"{web.url}/a.jpg")
            with pytest.raises(LostRace):
                fetch_photo(*claim_photo(photo.pk, "io", "w1"))
        assert list(storage.list("photos/")) == []

    def test_by_a_worker_that_lost_its_lease_leaves_the_photo_to_the_other(
        self, lamp: Product, jpeg: bytes, storage: Storage
    ) -> None:
        with serve(photo_answer(jpeg)) as web:
            photo = add_photo_from_url(lamp, f"{web.url}/a.jpg")
            late = claim_photo(photo.pk, "io", "w1")
            expire(photo)
            now = claim_photo(photo.pk, "io", "w2")
            with pytest.raises(LostRace):
                fetch_photo(*late)
            fetch_photo(*now)
        photo.refresh_from_db()
        assert photo.state == "checking"
        assert storage.get(photo.key) == jpeg

    def test_that_ends_late_does_not_touch_what_the_next_one_stored(
        self, lamp: Product, jpeg: bytes, storage: Storage
    ) -> None:
        """The first answer arrives when the photo has been handed back, fetched by another worker and looked at."""
        answers = iter((jpeg + b"late", jpeg))

        def answer(request: str) -> Any:
            data = next(answers)
            if data != jpeg:
                hand_back_photo(late[1])
                fetch_photo(*claim_photo(photo.pk, "io", "w2"))
                settle_photo(claim(photo, "cpu"), **{**SEEN, "sha256": sha256(jpeg).hexdigest()})
                connections.close_all()
            return photo_answer(data)(request)

        with serve(answer) as web:
            photo = add_photo_from_url(lamp, f"{web.url}/a.jpg")
            late = claim_photo(photo.pk, "io", "w1")
            with pytest.raises(LostRace):
                fetch_photo(*late)
        photo.refresh_from_db()
        assert photo.state == "ready"
        assert sha256(storage.get(photo.key)).hexdigest() == photo.sha256
        assert list(storage.list("photos/")) == [photo.key], "the late one leaves nothing"

    def test_by_a_worker_that_is_killed_after_it_stored_the_photo_leaves_nothing(
        self, lamp: Product, jpeg: bytes, storage: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with serve(photo_answer(jpeg)) as web:
            photo = add_photo_from_url(lamp, f"{web.url}/a.jpg")
            claimed = claim_photo(photo.pk, "io", "w1")
            with monkeypatch.context() as patched:
                patched.setattr(photo_leases, "_let_go", killed)
                with pytest.raises(KeyboardInterrupt):
                    fetch_photo(*claimed)
            assert len(list(storage.list("photos/"))) == 1
            expire(photo)
            fetch_photo(*claim_photo(photo.pk, "io", "w2"))
        photo.refresh_from_db()
        assert list(storage.list("photos/")) == [photo.key]

    def test_finds_the_store_away(self, lamp: Product, jpeg: bytes, small_storage: Engine) -> None:
        with serve(photo_answer(jpeg)) as web:
            photo = add_photo_from_url(lamp, f"{web.url}/a.jpg")
            small_storage.kill()
            claimed = claim_photo(photo.pk, "io", "w1")
            with pytest.raises(Away):
                fetch_photo(*claimed)
            photo_leases.postpone_photo(claimed[1])
        photo.refresh_from_db()
        assert (photo.state, photo.attempts) == ("awaited", 1)
