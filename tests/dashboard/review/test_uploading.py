"""A model of one's own: a place in the store, the file straight into it, and a job that makes a version of it."""

import json

import pytest
import requests

from catalog.models import AssetJob, Kind, Product
from tests.dashboard.review.conftest import Reviewed
from tests.dashboard.review.made import Made


def at(reviewed: Reviewed, path: str = "") -> str:
    return reviewed.people.at(f"products/{reviewed.product.public_id}/versions/upload{path}")


def begin(reviewed: Reviewed, name: str = "chair.glb") -> dict:
    answer = reviewed.people.editor.send(at(reviewed, "/begin"), {"name": name})
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)


def send(form: dict, data: bytes) -> int:
    file = ("chair.glb", data, "model/gltf-binary")
    return requests.post(form["url"], data=form["fields"], files={"file": file}, timeout=30).status_code


def test_a_model_goes_to_the_store_and_becomes_a_job(stored: Reviewed, made_mug: Made) -> None:
    form = begin(stored)
    assert send(form, made_mug.files["model.glb"]) < 300
    answer = stored.people.editor.send(form["confirm"])
    job = AssetJob.objects.get(kind=Kind.UPLOAD)
    making = stored.people.at(f"products/{stored.product.public_id}/versions/making/{job.public_id}")
    assert json.loads(answer.content) == {"making": making}
    assert "Your model is being checked and finished" in stored.people.viewer.read(making)
    assert json.loads(stored.people.editor.send(form["confirm"]).content) == {"making": making}
    assert making in stored.people.editor.read(at(stored))


@pytest.mark.parametrize("name", ["chair.obj", "", "<b>.gltf", "chair.glb.exe"])
def test_what_is_no_glb_by_its_name_is_refused_in_words(stored: Reviewed, name: str) -> None:
    answer = stored.people.editor.send(at(stored, "/begin"), {"name": name})
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/json")
    assert "ends in .glb" in json.loads(answer.content)["message"]


@pytest.mark.parametrize("upload_id", ["upl_x", "upl_" + "2" * 16, "..%2F..%2Fx"])
def test_what_was_never_begun_cannot_be_confirmed(stored: Reviewed, upload_id: str) -> None:
    answer = stored.people.editor.send(at(stored, f"/{upload_id}/confirm"))
    assert answer.status_code in {404, 422}
    assert not AssetJob.objects.filter(kind=Kind.UPLOAD).exists()


def test_another_shop_cannot_confirm_what_this_one_sent(stored: Reviewed, made_mug: Made) -> None:
    form = begin(stored)
    send(form, made_mug.files["model.glb"])
    own = Product.objects.create(merchant=stored.people.other, sku="X", title="X")
    there = form["confirm"].replace(stored.people.shop.slug, stored.people.other.slug)
    assert stored.people.stranger.send(form["confirm"]).status_code == 404
    assert stored.people.stranger.send(there).status_code == 404
    assert stored.people.stranger.send(there.replace(stored.product.public_id, own.public_id)).status_code == 422
    assert not AssetJob.objects.filter(kind=Kind.UPLOAD).exists()


def test_an_empty_file_is_refused_in_words(stored: Reviewed) -> None:
    form = begin(stored)
    send(form, b"")
    answer = stored.people.editor.send(form["confirm"])
    assert answer.status_code == 422
    assert json.loads(answer.content)["message"]


def test_the_page_says_how_large_a_file_may_be(reviewed: Reviewed, settings) -> None:
    settings.MAX_MODEL_BYTES = 12_000_000
    page = reviewed.people.editor.read(at(reviewed))
    assert "At most 12.0 MB" in page
    Product.objects.filter(pk=reviewed.product.pk).update(archived=True)
    assert "The product is archived" in reviewed.people.editor.read(at(reviewed))
    assert at(reviewed) not in reviewed.people.editor.read(reviewed.at())
