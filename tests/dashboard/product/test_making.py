"""A model is asked for, with what it takes and why it may not be."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.models import Group, PhotoState, Product, StageTotal, Worker
from catalog.recipe import Recipe
from catalog.storage import Storage
from tests.catalog.makers import make_job, make_photo, make_product
from tests.dashboard.product.conftest import HX, Shelf, make_version


def test_the_button_says_why_it_cannot_be_pressed(ready: Shelf) -> None:
    def why() -> str:
        page = ready.people.editor.read(ready.at("ready"))
        found = re.search(r'id="why-not"[^>]*>([^<]*)<', page)
        assert ("disabled" in page) == bool(found)
        return found[1] if found else ""

    assert why() == ""
    looked_at = make_photo(ready.product, state=PhotoState.CHECKING, sha256="")
    assert "still looking" in why()
    Worker.objects.update(last_seen_at=timezone.now() - timedelta(hours=1))
    assert "Nothing is lost" in why()
    looked_at.delete()
    ready.photo.delete()
    assert "Add a photo first" in why()
    make_photo(ready.product)
    make_job(ready.product)
    assert "being made already" in why()
    Product.objects.filter(pk=ready.product.pk).update(archived=True)
    assert "archived" in why()


def test_a_model_is_asked_for_as_the_form_says(ready: Shelf) -> None:
    form = {
        "quality": "draft",
        "generator": "primitive",
        "triangles": "20000",
        "texture_size": "1024",
        "seed": "7",
        "profiles": ["web"],
        "auto_publish": "yes",
    }
    answer = ready.people.editor.send(ready.at("make"), form, headers=HX)
    assert (answer.status_code, answer["HX-Trigger-After-Swap"]) == (200, "model-started")
    assert "data-live=" in answer.content.decode()
    wanted = Recipe("primitive", "draft", ("web",), 20_000, 1024, 7, auto_publish=True)
    assert Recipe.from_json(ready.product.jobs.get().recipe) == wanted
    page = ready.people.editor.read(ready.at())
    assert 'value="draft" checked' in page and 'value="20000"' in page and 'value="1024" selected' in page


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("triangles", "many"),
        ("triangles", "99"),
        ("texture_size", "1000"),
        ("seed", "-1"),
        ("seed", "9" * 30),
        ("quality", "best"),
        ("generator", "magic"),
        ("generator", "triposg"),
        ("profiles", "moon"),
    ],
)
def test_settings_that_will_not_do_are_told_and_kept(ready: Shelf, field: str, value: str) -> None:
    answer = ready.people.editor.send(ready.at("make"), {"quality": "draft", field: value}, headers=HX)
    page = answer.content.decode()
    assert (answer.status_code, answer["HX-Retarget"]) == (422, "#make")
    assert "It was not started." in page and not ready.product.jobs.exists()


def test_a_second_model_at_once_is_refused_in_words(ready: Shelf) -> None:
    make_job(ready.product)
    answer = ready.people.editor.send(ready.at("make"), {"quality": "draft"}, headers=HX)
    assert answer.status_code == 422 and "being made already" in answer.content.decode()


def test_generators_that_cannot_run_are_shown_with_the_reason(ready: Shelf) -> None:
    page = ready.people.editor.read(ready.at())
    assert "triposg (not now: no GPU)" in page and re.search(r'value="triposg"[^>]*disabled', page)


def test_wait_and_cost_come_from_what_was_measured(ready: Shelf, storage: Storage) -> None:
    assert "known after the first one" in ready.people.editor.read(ready.at())
    for group in Group:
        StageTotal.objects.create(stage=f"{group}/standard", count=2, seconds=80)
    assert "Ready in about 2 minutes" in ready.people.editor.read(ready.at())
    for _ in range(2):
        make_job(make_product(ready.people.other), released_at=timezone.now())
    assert "Ready in about 6 minutes" in ready.people.editor.read(ready.at())
    make_version(ready.product, storage)
    assert "31 seconds of processor time" in ready.people.editor.read(ready.at())
