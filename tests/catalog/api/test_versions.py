from typing import Any

import pytest
import requests

from catalog.leases import end_finish
from catalog.models import AssetVersion, Group, Product
from catalog.storage import Storage
from tests.catalog.conftest import Cast
from tests.catalog.makers import SPENT, finished, lease_at, make_job, make_product, stored_file

pytestmark = pytest.mark.usefixtures("broker")


@pytest.fixture
def lamp(cast: Cast, storage: Storage) -> Product:
    return make_product(cast.shop)


def make_version(product: Product, storage: Storage) -> AssetVersion:
    """A version to be looked at, its files stored."""
    for name in ("model.glb", "model.usdz", "poster.webp"):
        file = stored_file(product.merchant, name)
        storage.put(file.key, name.encode(), content_type=file.content_type)
    return end_finish(lease_at(make_job(product), Group.FINISH), finished(product.merchant), SPENT)


def code_of(answer: Any) -> str:
    return str(answer.json()["error"]["code"])


def shown(product: Product) -> str | None:
    product.refresh_from_db()
    return product.published_version.public_id if product.published_version else None


def test_a_version_comes_with_its_certificate_and_links_to_its_files(
    cast: Cast, lamp: Product, storage: Storage
) -> None:
    version = make_version(lamp, storage)
    told = cast.viewer.get(f"versions/{version.public_id}").json()
    assert (told["number"], told["grade"], told["generator"]) == (1, "B", "primitive")
    assert told["certificate"] == {"grade": "B"} and told["metrics"] == {"triangles": 900}
    assert told["dimensions"] == {"width": 0.1, "height": 0.2, "depth": 0.1}
    assert told["licence"] == {"code": "Apache-2.0"} and told["alt_text"] == "A lamp"
    assert told["job"] == version.job.public_id and told["product"] == lamp.public_id
    assert told["cost"]["cpu_seconds"] > 0
    assert (told["is_shown"], told["published_at"]) == (False, None)
    glb = told["files"]["model.glb"]
    assert (glb["bytes"], glb["content_type"], glb["public_url"]) == (9, "model/gltf-binary", None)
    answer = requests.get(glb["url"], timeout=10)
    assert answer.content == b"model.glb"
    assert "model.glb" in answer.headers["Content-Disposition"]
    assert "X-Amz-Expires=900" in glb["url"]


def test_a_published_version_has_lasting_addresses(cast: Cast, lamp: Product, storage: Storage) -> None:
    version = make_version(lamp, storage)
    answer = cast.editor.post(f"versions/{version.public_id}/publish")
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert told["is_shown"] is True and told["published_at"] is not None
    public = requests.get(told["files"]["model.usdz"]["public_url"], timeout=10)
    assert (public.content, public.headers["Content-Type"]) == (b"model.usdz", "model/vnd.usdz+zip")
    again = cast.editor.post(f"versions/{version.public_id}/publish")
    assert (again.status_code, again.json()["published_at"]) == (200, told["published_at"])


def test_versions_are_listed_newest_first(cast: Cast, lamp: Product, storage: Storage) -> None:
    first, second = make_version(lamp, storage), make_version(lamp, storage)
    results = cast.reader.get(f"products/{lamp.public_id}/versions").json()["results"]
    assert [version["id"] for version in results] == [second.public_id, first.public_id]
    assert "files" not in results[0] and "certificate" not in results[0]


def test_the_storefront_goes_back_and_empty(cast: Cast, lamp: Product, storage: Storage) -> None:
    first, second = make_version(lamp, storage), make_version(lamp, storage)
    nothing = cast.editor.post(f"products/{lamp.public_id}/rollback")
    assert (nothing.status_code, code_of(nothing)) == (409, "nothing_to_roll_back")
    for version in (first, second):
        assert cast.editor.post(f"versions/{version.public_id}/publish").status_code == 200
    assert shown(lamp) == second.public_id
    back = cast.editor.post(f"products/{lamp.public_id}/rollback")
    assert (back.status_code, back.json()["id"], back.json()["is_shown"]) == (200, first.public_id, True)
    assert shown(lamp) == first.public_id
    for _ in range(2):
        assert cast.editor.post(f"products/{lamp.public_id}/unpublish").status_code == 204
    assert shown(lamp) is None


def test_going_back_twice_by_mistake_is_noticed(cast: Cast, lamp: Product, storage: Storage) -> None:
    made = [make_version(lamp, storage) for _ in range(3)]
    for version in made:
        cast.editor.post(f"versions/{version.public_id}/publish")
    known = {"If-Match": cast.editor.get(f"products/{lamp.public_id}").headers["ETag"]}
    assert cast.editor.post(f"products/{lamp.public_id}/rollback", headers=known).status_code == 200
    for path in (
        f"products/{lamp.public_id}/rollback",
        f"products/{lamp.public_id}/unpublish",
        f"versions/{made[2].public_id}/publish",
    ):
        late = cast.editor.post(path, headers=known)
        assert (late.status_code, code_of(late)) == (412, "changed_meanwhile")
    assert shown(lamp) == made[1].public_id


def test_an_archived_product_publishes_nothing(cast: Cast, lamp: Product, storage: Storage) -> None:
    version = make_version(lamp, storage)
    Product.objects.filter(pk=lamp.pk).update(archived=True)
    answer = cast.editor.post(f"versions/{version.public_id}/publish")
    assert (answer.status_code, code_of(answer)) == (409, "product_archived")
