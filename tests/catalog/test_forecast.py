"""What one more model would take, told from what others took."""

import pytest
from django.utils import timezone

from catalog.forecast import Forecast, Line, forecast, line_for
from catalog.models import AssetVersion, Group, StageTotal, Status
from tests.catalog.makers import make_job, make_merchant, make_product, make_worker

pytestmark = pytest.mark.django_db

ALONE = Line(slots=1, ahead=0)


def measured(quality: str, seconds: float) -> None:
    for group in Group:
        StageTotal.objects.create(stage=f"{group}/{quality}", count=4, seconds=4 * seconds)


def test_nothing_is_said_before_anything_was_measured() -> None:
    StageTotal.objects.create(stage="prepare/draft", count=1, seconds=5)
    assert forecast(ALONE, ["draft", "standard"]) == {"draft": Forecast(), "standard": Forecast()}


def test_the_wait_grows_by_whole_turns_of_all_slots() -> None:
    measured("draft", 10)
    waits = [forecast(Line(slots=2, ahead=ahead), ["draft"])["draft"].seconds for ahead in range(5)]
    assert waits == [30, 30, 60, 60, 90]
    assert forecast(Line(slots=0, ahead=0), ["draft"])["draft"].seconds is None


def test_the_cost_is_the_mean_of_jobs_of_that_quality_that_made_something() -> None:
    shop = make_merchant()
    for number, (cpu, gpu, made) in enumerate([(20, 4, True), (40, 8, True), (900, 0, False)]):
        product = make_product(shop)
        job = make_job(product, cpu_seconds=cpu, gpu_seconds=gpu)
        if made:
            job.version = AssetVersion.objects.create(
                product=product, number=number + 1, files=[], dimensions={}, metrics={}, certificate={}, grade="B",
                generator="primitive", licence={}, alt_text="", cpu_seconds=cpu, gpu_seconds=gpu,
            )  # fmt: skip
            job.save()
    found = forecast(ALONE, ["standard", "draft"])
    assert (found["standard"].cpu_seconds, found["standard"].gpu_seconds) == (30, 6)
    assert found["draft"] == Forecast()


def test_merchants_take_turns_in_the_line() -> None:
    shop, busy = make_merchant("shop"), make_merchant("busy")
    make_worker(slots=3)
    for _ in range(5):
        make_job(make_product(busy))
    make_job(make_product(busy), released_at=timezone.now())
    done = make_job(make_product(busy))
    done.move_to(Status.CANCELLED)
    assert line_for(shop) == Line(slots=3, ahead=2)  # the one that is out, and the first of the other's
    make_job(make_product(shop))
    assert line_for(shop) == Line(slots=3, ahead=4)
    assert line_for(busy).ahead == 7
