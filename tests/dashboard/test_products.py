"""The list finds, filters, pages and does things to ticked rows; a form makes a product."""

import pytest
from django.utils import timezone

from catalog.models import AssetJob, AssetVersion, Merchant, Product, Status
from catalog.shelf import ROWS
from tests.catalog.makers import make_job, make_photo, make_product
from tests.dashboard.conftest import People


def make(merchant: Merchant, title: str, status: Status | None = None, **fields: object) -> Product:
    product = make_product(merchant, photos=0)
    Product.objects.filter(pk=product.pk).update(title=title, **fields)
    if status is not None:
        ended = None if status in (Status.QUEUED, Status.RUNNING) else timezone.now()
        make_job(product, status=status, ended_at=ended, version=None)
    product.refresh_from_db()
    return product


def make_version(product: Product, *, grade: str = "B", poster: str = "") -> AssetVersion:
    key = poster or f"files/{product.merchant.public_id}/0/poster.webp"
    file = {"name": "poster.webp", "key": key, "bytes": 1, "sha256": "0" * 64, "content_type": "image/webp"}
    return AssetVersion.objects.create(
        product=product,
        number=product.versions.count() + 1,
        files=[file],
        public_files=[file] if poster else [],
        dimensions={},
        metrics={},
        certificate={},
        licence={},
        grade=grade,
        generator="primitive",
        alt_text="",
        cpu_seconds=1,
        gpu_seconds=0,
    )


def titles(page: str, *candidates: str) -> list[str]:
    return [each for each in candidates if f">{each}</a>" in page]


def test_every_state_is_said_in_words(people: People) -> None:
    words = {
        Status.QUEUED: "Waiting",
        Status.RUNNING: "Being made",
        Status.NEEDS_REVIEW: "Please review",
        Status.REJECTED: "Needs you",
        Status.FAILED: "Failed on our side",
        Status.CANCELLED: "Cancelled",
        None: "No model yet",
    }
    for status in words:
        make(people.shop, f"Lamp {status}", status)
    page = people.viewer.read(people.at("products/"))
    for status, word in words.items():
        assert word in page.split(f">Lamp {status}</a>")[1].split("</tr>")[0]


def test_an_empty_shop_explains_the_first_step_to_those_who_can_take_it(people: People) -> None:
    assert "Add the first product" in people.editor.read(people.at("products/"))
    assert "Add the first product" not in people.viewer.read(people.at("products/"))


def test_words_and_states_filter(people: People) -> None:
    make(people.shop, "Blue mug", Status.RUNNING)
    make(people.shop, "Red mug", Status.REJECTED)
    shown = make(people.shop, "Red vase")
    Product.objects.filter(pk=shown.pk).update(published_version=make_version(shown, poster="m/a/b/poster.webp"))
    make(people.shop, "Old mug", archived=True)
    everything = ("Blue mug", "Red mug", "Red vase", "Old mug")
    for query, found in {
        "": ["Blue mug", "Red mug", "Red vase"],
        "?q=red": ["Red mug", "Red vase"],
        "?q=mug+red": ["Red mug"],
        "?state=making": ["Blue mug"],
        "?state=needs-you": ["Red mug"],
        "?state=published": ["Red vase"],
        "?state=none": [],
        "?archived=yes": ["Old mug"],
        "?q=%00": ["Blue mug", "Red mug", "Red vase"],
    }.items():
        assert titles(people.viewer.read(people.at(f"products/{query}")), *everything) == found, query
    assert "Nothing has “&lt;b&gt;”" in people.viewer.read(people.at("products/?q=<b>"))


def test_a_search_gets_only_the_shelf(people: People) -> None:
    make(people.shop, "Blue mug")
    headers = {"HX-Request": "true", "HX-Target": "shelf"}
    part = people.viewer.read(people.at("products/?q=blue"), headers=headers)
    assert "Blue mug" in part
    assert "<html" not in part


def test_pages_lead_on_and_back_and_miss_nothing(people: People) -> None:
    Product.objects.bulk_create(Product(merchant=people.shop, sku=f"S{n:03}", title="Mug") for n in range(2 * ROWS + 5))
    seen: list[str] = []
    path = people.at("products/")
    pages = []
    while path:
        page = people.viewer.read(path)
        pages.append(page)
        seen += [line.split("<")[0] for line in page.split('class="sku">')[1:]]
        path = people.at("products/") + link(page, "next")
        path = "" if not link(page, "next") else path
    assert seen == [f"S{n:03}" for n in reversed(range(2 * ROWS + 5))]
    assert [link(page, "prev") != "" for page in pages] == [False, True, True]
    back = people.viewer.read(people.at("products/") + link(pages[2], "prev"))
    assert back.count('class="sku">') == ROWS
    assert "S004" not in back
    assert "S005" in back


def link(page: str, rel: str) -> str:
    return page.split(f'rel="{rel}" href="')[1].split('"')[0].replace("&amp;", "&") if f'rel="{rel}"' in page else ""


def test_a_foreign_cursor_is_refused_in_words(people: People) -> None:
    assert "take it from" in people.viewer.read(people.at("products/?older=AAAA"), 409)


def test_the_number_of_queries_does_not_grow_with_the_rows(people: People, django_assert_num_queries) -> None:
    for number in range(3):
        make(people.shop, f"Mug {number}", Status.RUNNING)
    with django_assert_num_queries(6):
        people.viewer.get(people.at("products/"))
    for number in range(10):
        make(people.shop, f"Cup {number}", Status.RUNNING)
    with django_assert_num_queries(6):
        people.viewer.get(people.at("products/"))


def test_rows_being_made_are_asked_about_until_none_is(people: People) -> None:
    product = make(people.shop, "Mug", Status.RUNNING)
    live = people.at(f"products/live?id={product.public_id}")
    assert live in people.viewer.read(people.at("products/"))
    AssetJob.objects.update(progress=42)
    part = people.viewer.read(live)
    assert 'value="42"' in part
    assert "hx-trigger" in part
    AssetJob.objects.update(status=Status.FAILED, ended_at=timezone.now())
    part = people.viewer.read(live)
    assert "Failed on our side" in part
    assert "hx-trigger" not in part
    assert "hx-get" not in people.viewer.read(people.at("products/")).split('id="live"')[1]


def test_live_rows_of_another_shop_stay_unseen(people: People) -> None:
    product = make(people.shop, "Secret mug", Status.RUNNING)
    assert "Secret" not in people.stranger.read(f"/shops/{people.other.slug}/products/live?id={product.public_id}")


def tick(people: People, name: str, action: str, *products: Product, **more: str):
    form = {"action": action, "id": [product.public_id for product in products], **more}
    return getattr(people, name).send(people.at("products/bulk"), form)


@pytest.mark.usefixtures("broker")
def test_models_are_made_of_ticked_products_each_by_itself(people: People) -> None:
    ready, empty = make(people.shop, "Ready"), make(people.shop, "Empty")
    make_photo(ready)
    page = tick(people, "editor", "make", ready, empty).content.decode()
    assert "1 of 2 done" in page
    assert "no usable photo" in page
    assert ready.jobs.get().status == Status.QUEUED


def test_archive_and_restore(people: People) -> None:
    product = make(people.shop, "Mug")
    tick(people, "editor", "archive", product)
    product.refresh_from_db()
    assert product.archived
    tick(people, "owner", "restore", product)
    product.refresh_from_db()
    assert not product.archived


def test_deletion_asks_first(people: People) -> None:
    product, kept = make(people.shop, "Mug <i>"), make(people.shop, "Vase")
    page = tick(people, "editor", "delete", product).content.decode()
    assert "Delete 1 product for good?" in page
    assert "Mug &lt;i&gt;" in page
    assert Product.objects.count() == 2
    tick(people, "editor", "delete", product, confirmed="yes")
    assert list(Product.objects.all()) == [kept]


def test_what_needs_a_look_is_not_published_in_bulk(people: People) -> None:
    guessed, broken = make(people.shop, "Mug"), make(people.shop, "Vase")
    make_version(guessed, grade="C")
    limit = {"name": "triangles", "value": 2, "limit": 1, "ok": False, "level": "required"}
    AssetVersion.objects.filter(pk=make_version(broken).pk).update(certificate={"limits": [limit]})
    page = tick(people, "editor", "publish", guessed, broken).content.decode()
    assert "0 of 2 done" in page and page.count("It needs a look") == 2
    assert "no model yet" in tick(people, "editor", "publish", make(people.shop, "Cup")).content.decode()


def test_viewers_strangers_and_nobody_change_nothing_in_bulk(people: People) -> None:
    product = make(people.shop, "Mug")
    assert tick(people, "viewer", "archive", product).status_code == 403
    assert tick(people, "stranger", "archive", product).status_code == 404
    assert tick(people, "nobody", "archive", product).status_code == 302
    own = people.stranger.send(
        f"/shops/{people.other.slug}/products/bulk", {"action": "delete", "confirmed": "yes", "id": product.public_id}
    )
    assert "0 of 0 done" in own.content.decode()
    form = {"action": "archive", "id": product.public_id}
    assert people.owner.send(people.at("products/bulk"), form, token=False).status_code == 403
    product.refresh_from_db()
    assert not product.archived


def test_nothing_ticked_and_unknown_actions_are_said(people: People) -> None:
    response = people.owner.send(people.at("products/bulk"), {"action": "archive"}, follow=True)
    assert "Tick the products first" in response.content.decode()
    assert tick(people, "owner", "explode", make(people.shop, "Mug")).status_code == 409


FORM = {
    "title": "Blue mug",
    "sku": "",
    "category": "mug",
    "width": "8,2",
    "height": "9.5 cm",
    "depth": "",
    "unit": "cm",
}


def test_a_new_product_leads_to_its_page_and_gets_a_sku_and_metres(people: People) -> None:
    response = people.editor.send(people.at("products/new"), {**FORM, "tags": "kitchen, blue,kitchen"})
    product = people.shop.products.get()
    assert response["Location"] == people.at(f"products/{product.public_id}/")
    assert (product.sku, product.width, product.height, product.depth) == ("blue-mug", 0.082, 0.095, None)
    assert product.tags == ["kitchen", "blue"]
    people.editor.send(people.at("products/new"), FORM)
    assert {each.sku for each in people.shop.products.all()} == {"blue-mug", "blue-mug-2"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"title": " "}, "The title is missing."),
        ({"width": "big"}, "is no length"),
        ({"width": "900", "unit": "m"}, "Is the unit right?"),
        ({"unit": "miles"}, "Choose a unit."),
        ({"sku": "taken"}, "Another product has this SKU."),
        ({"sku": ".."}, "which mean a folder"),
        ({"title": "x" * 201}, "no more than 200"),
    ],
)
def test_what_will_not_do_is_said_beside_its_field_and_nothing_is_lost(people: People, wrong: dict, words: str) -> None:
    Product.objects.create(merchant=people.shop, sku="taken", title="x")
    response = people.editor.send(people.at("products/new"), {**FORM, **wrong})
    page = response.content.decode()
    assert (response.status_code, words in page, 'value="mug"' in page) == (422, True, True), page
    assert people.shop.products.count() == 1


def test_viewers_get_no_form(people: People) -> None:
    assert people.viewer.get(people.at("products/new")).status_code == 403
    assert people.viewer.send(people.at("products/new"), FORM).status_code == 403
    assert people.stranger.send(people.at("products/new"), FORM).status_code == 404
    page = people.viewer.read(people.at("products/"))
    assert "products/new" not in page
