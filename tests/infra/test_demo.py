"""The sample shop is made once, can be entered as printed, and what is lost is made again."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import CommandError, call_command
from django.utils import timezone

from catalog.merchants import find_api_key
from catalog.models import AssetJob, Merchant, Photo, PhotoState, Status
from infra.demo import EMAIL, SLUG, VIEWS, Demo

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("storage", "broker")]


@pytest.fixture
def demo(tmp_path: Path, samples: Path) -> Demo:
    return Demo(tmp_path, samples, "http://127.0.0.1:8000", quality="draft")


def entrance(demo: Demo) -> tuple[str, str]:
    """The password and the API key that are printed."""
    text = "\n".join(demo.set_up())
    password = re.search(rf"{re.escape(EMAIL)} with the password (\S+)", text)
    key = re.search(r"Bearer (\S+)'", text)
    assert password
    assert key
    return password[1], key[1]


def test_the_shop_has_products_photos_and_jobs(demo: Demo) -> None:
    entrance(demo)
    merchant = Merchant.objects.get(slug=SLUG)
    assert {product.sku for product in merchant.products.all()} == {*VIEWS, "coffee"}
    mug = merchant.products.get(sku="mug")
    assert (mug.title, mug.width, mug.height, mug.depth) == ("Coffee mug", 0.1139, 0.095, 0.0824)
    assert [(photo.view, photo.state) for photo in mug.photos.all()] == [("three-quarter", PhotoState.CHECKING)]
    jobs = merchant.jobs.all()
    assert len(jobs) == 7
    assert all(job.status == Status.QUEUED and job.recipe["auto_publish"] for job in jobs)
    assert {job.recipe["quality"] for job in jobs} == {"draft"}


def test_what_is_printed_lets_people_and_programs_in(demo: Demo) -> None:
    password, key = entrance(demo)
    assert authenticate(username=EMAIL, password=password) is not None
    found = find_api_key(key)
    assert found is not None
    assert (found.merchant.slug, found.may_write) == (SLUG, True)


def test_nobody_else_may_read_the_login(demo: Demo) -> None:
    entrance(demo)
    assert (demo.data / "demo-login.json").stat().st_mode & 0o777 == 0o600


def test_a_second_time_changes_nothing(demo: Demo, tmp_path: Path, samples: Path) -> None:
    first = entrance(demo)
    again = Demo(tmp_path, samples, "http://127.0.0.1:8000", quality="draft")
    assert entrance(again) == first
    assert (Photo.objects.count(), AssetJob.objects.count()) == (7, 7)


def test_a_lost_login_is_replaced_and_the_old_key_ends(demo: Demo) -> None:
    old_password, old_key = entrance(demo)
    (demo.data / "demo-login.json").unlink()
    password, key = entrance(demo)
    assert authenticate(username=EMAIL, password=password) is not None
    assert authenticate(username=EMAIL, password=old_password) is None
    assert (find_api_key(old_key), find_api_key(key) is not None) == (None, True)


def test_after_a_lost_database_the_login_stays(demo: Demo) -> None:
    password, key = entrance(demo)
    Merchant.objects.all().delete()
    get_user_model().objects.all().delete()
    again, new_key = entrance(demo)
    assert again == password
    assert new_key != key
    assert find_api_key(new_key) is not None


def test_a_failed_job_is_tried_again_and_a_refused_one_is_not(demo: Demo) -> None:
    entrance(demo)
    jobs = {job.product.sku: job for job in AssetJob.objects.select_related("product")}
    for sku, status in (("mug", Status.FAILED), ("shoe", Status.REJECTED)):
        AssetJob.objects.filter(pk=jobs[sku].pk).update(status=status, ended_at=timezone.now())
    entrance(demo)
    new = set(AssetJob.objects.exclude(pk__in=[job.pk for job in jobs.values()]).values_list("product__sku", flat=True))
    assert new == {"mug"}


def test_news_tells_of_each_ended_job_once(demo: Demo) -> None:
    entrance(demo)
    assert list(demo.news()) == []
    job = AssetJob.objects.get(product__sku="coffee")
    AssetJob.objects.filter(pk=job.pk).update(
        status=Status.REJECTED, advice="Photograph it alone.", ended_at=timezone.now()
    )
    (line,) = demo.news()
    assert "Coffee cup" in line
    assert "Photograph it alone." in line
    assert list(demo.news()) == []


def test_the_command_is_for_the_demo_only(settings) -> None:
    settings.ENV = replace(settings.ENV, demo=False)
    with pytest.raises(CommandError, match="DEMO"):
        call_command("seed_demo")
