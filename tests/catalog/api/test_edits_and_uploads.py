"""Edits of versions and models made by hand, by the API: asked for, told, refused"""

from typing import Any

import pytest
import requests

from catalog.models import AssetJob, AssetVersion, Product
from catalog.storage import Storage
from tests.catalog.api.world import make_version
from tests.catalog.conftest import Cast
from tests.catalog.makers import make_product, make_worker, stored_file

pytestmark = pytest.mark.usefixtures("broker")


@pytest.fixture
def product(cast: Cast) -> Product:
    make_worker()
    return make_product(cast.shop)


@pytest.fixture
def version(product: Product, storage: Storage) -> AssetVersion:
    version = make_version(product, 1)
    report = stored_file(product.merchant, "report.json")
    version.files.append(vars(report))
    version.save()
    for file in version.files:
        storage.put(file["key"], file["name"].encode(), content_type=file["content_type"])
    return version


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_an_edit_is_asked_for_and_told(cast: Cast, version: AssetVersion) -> None:
    wish = {"roughness": 0.2, "tint": "#FFEEDD", "turn_degrees": -90, "lay": "x90"}
    answer = cast.writer.post(f"versions/{version.public_id}/edits", wish)
    assert answer.status_code == 202, answer.content
    job = answer.json()
    assert (job["kind"], job["source_version"], job["generator"]) == ("edit", version.public_id, "primitive")
    assert job["edits"] == {**wish, "tint": "#ffeedd"}
    for listed in (cast.reader.get(f"jobs/{job['id']}").json(), cast.reader.get("jobs").json()["results"][0]):
        assert (listed["kind"], listed["source_version"], listed["edits"]) == ("edit", version.public_id, job["edits"])


def test_versions_tell_where_they_come_from(cast: Cast, version: AssetVersion) -> None:
    edited = make_version(version.product, 2)
    AssetVersion.objects.filter(pk=edited.pk).update(origin="edit", parent=version, edits={"roughness": 0.2})
    told = cast.reader.get(f"versions/{edited.public_id}").json()
    assert (told["origin"], told["parent"], told["edits"]) == ("edit", version.public_id, {"roughness": 0.2})
    listed = cast.reader.get(f"products/{version.product.public_id}/versions").json()["results"]
    assert [(each["origin"], each["parent"]) for each in listed] == [("edit", version.public_id), ("make", None)]


@pytest.mark.parametrize(
    ("wish", "code", "field"),
    [
        ({}, "nothing_to_change", None),
        ({"roughness": None, "tint": "", "lay": "", "turn_degrees": 0}, "nothing_to_change", None),
        ({"roughness": 2}, "bad_value", "roughness"),
        ({"roughness": "0.5"}, "bad_value", "roughness"),
        ({"metallic": -0.1}, "bad_value", "metallic"),
        ({"tint": "blue"}, "bad_value", "tint"),
        ({"tint": "#ffffff\n"}, "bad_value", "tint"),
        ({"turn_degrees": 360}, "bad_value", "turn_degrees"),
        ({"turn_degrees": 1.5}, "bad_value", "turn_degrees"),
        ({"lay": "y90"}, "bad_value", "lay"),
        ({"color": "#ffffff"}, "unknown_field", "color"),
    ],
)
def test_edits_that_will_not_do_are_refused(
    cast: Cast, version: AssetVersion, wish: dict[str, Any], code: str, field: str | None
) -> None:
    answer = cast.writer.post(f"versions/{version.public_id}/edits", wish)
    assert code_of(answer) == (422, code)
    assert field is None or field in answer.json()["error"]["fields"]
    assert not AssetJob.objects.exists()


def test_a_version_whose_files_are_gone_cannot_be_edited(cast: Cast, version: AssetVersion, storage: Storage) -> None:
    storage.delete([file["key"] for file in version.files])
    answer = cast.writer.post(f"versions/{version.public_id}/edits", {"roughness": 0.5})
    assert code_of(answer) == (409, "files_missing")


def test_the_same_edit_sent_twice_is_one_job(cast: Cast, version: AssetVersion) -> None:
    answers = [
        cast.writer.post(f"versions/{version.public_id}/edits", {"metallic": 1}, headers={"Idempotency-Key": "once"})
        for _ in range(2)
    ]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert code_of(cast.writer.post(f"versions/{version.public_id}/edits", {"metallic": 1})) == (409, "already_running")


def test_a_model_is_uploaded_and_confirmed(cast: Cast, product: Product, storage: Storage) -> None:
    answer = cast.writer.post(f"products/{product.public_id}/models", {"name": "mug.glb"})
    assert answer.status_code == 201, answer.content
    upload, form = answer.json()["upload"], answer.json()["form"]
    confirm = f"products/{product.public_id}/models/{upload}/confirm"
    assert code_of(cast.writer.post(confirm)) == (409, "upload_missing")
    sent = requests.post(form["url"], form["fields"], files={"file": ("mug.glb", b"glTF")}, timeout=10)
    assert sent.status_code in {200, 201, 204}, sent.text
    confirmed = cast.writer.post(confirm, {"quality": "draft", "triangles": 5000})
    assert confirmed.status_code == 202, confirmed.content
    job = confirmed.json()
    assert (job["kind"], job["generator"], job["source_version"], job["edits"]) == ("upload", "uploaded", None, {})
    assert (job["recipe"]["quality"], job["recipe"]["triangles"], job["recipe"]["auto_publish"]) == (
        "draft",
        5000,
        False,
    )
    assert cast.writer.post(confirm, {"quality": "high"}).json()["id"] == job["id"]


@pytest.mark.parametrize(
    ("where", "body", "code"),
    [
        ("models", {}, "bad_value"),
        ("models", {"name": "mug.obj"}, "not_a_glb"),
        ("models", {"name": "mug.glb", "size": 5}, "unknown_field"),
        ("models/upl_2345678923456789/confirm", {"texture_size": 100}, "bad_value"),
        ("models/upl_2345678923456789/confirm", {"auto_publish": True}, "unknown_field"),
        ("models/upl_2345678923456789/confirm", {"quality": "best"}, "unknown_quality"),
    ],
)
def test_uploads_that_will_not_do_are_refused(
    cast: Cast, product: Product, storage: Storage, where: str, body: dict[str, Any], code: str
) -> None:
    answer = cast.writer.post(f"products/{product.public_id}/{where}", body)
    assert code_of(answer) == (422, code)


def test_an_upload_of_another_shop_is_not_there(cast: Cast, product: Product, storage: Storage) -> None:
    upload = cast.writer.post(f"products/{product.public_id}/models", {"name": "a.glb"}).json()["upload"]
    theirs = make_product(cast.other)
    for caller, where in ((cast.stranger_key, product), (cast.stranger_key, theirs), (cast.writer, theirs)):
        answer = caller.post(f"products/{where.public_id}/models/{upload}/confirm")
        assert code_of(answer) in ((404, "not_found"), (409, "upload_missing"))
    assert not AssetJob.objects.exists()
