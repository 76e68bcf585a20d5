"""The demo's page shows the products of those who are logged in, and exists in the demo only."""

import logging
from dataclasses import replace

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import clear_url_caches
from django.utils import timezone

from catalog.models import AssetJob, AssetVersion, Member, Merchant, Photo, PhotoState, Product, Role, Status
from catalog.recipe import Recipe

PASSWORD = "a-password-for-tests"
FILES = ("model.glb", "model.usdz", "poster.webp")


@pytest.fixture
def lamp(db: None) -> Product:
    """A product of a merchant that owner@lamps.example acts for."""
    merchant = Merchant.objects.create(name="Lamps", slug="lamps")
    owner = get_user_model().objects.create_user("owner@lamps.example", "owner@lamps.example", PASSWORD)
    Member.objects.create(merchant=merchant, user=owner, role=Role.OWNER)
    return Product.objects.create(merchant=merchant, sku="lamp-1", title="Lamp <of glass>")


def log_in(client: Client) -> None:
    response = client.post("/login", {"username": "owner@lamps.example", "password": PASSWORD})
    assert (response.status_code, response["Location"]) == (302, "/")


def add_job(product: Product, **fields: object) -> AssetJob:
    return AssetJob.objects.create(product=product, merchant=product.merchant, recipe=Recipe().as_json(), **fields)


def add_version(product: Product, prefix: str = "") -> AssetVersion:
    files = [
        {"name": name, "key": f"files/mer/abc/{name}", "bytes": 1, "sha256": "", "content_type": ""} for name in FILES
    ]
    return AssetVersion.objects.create(
        product=product,
        number=1,
        files=files,
        public_files=[{"name": name, "key": f"{prefix}{name}"} for name in FILES] if prefix else [],
        published_at=timezone.now() if prefix else None,
        dimensions={},
        metrics={},
        certificate={},
        licence={},
        grade="B",
        generator="primitive",
        alt_text="A lamp, from the front",
        cpu_seconds=1,
        gpu_seconds=0,
    )


def test_strangers_are_sent_to_the_login(client: Client, lamp: Product) -> None:
    assert client.get("/")["Location"] == "/login?next=/"
    assert client.get("/login").status_code == 200


def test_a_wrong_password_stays_outside(client: Client, lamp: Product) -> None:
    response = client.post("/login", {"username": "owner@lamps.example", "password": "wrong"})
    assert response.status_code == 200
    assert "That did not match" in response.content.decode()


def test_the_page_tells_how_far_an_asset_is(client: Client, lamp: Product) -> None:
    log_in(client)
    assert "No asset yet" in client.get("/").content.decode()
    job = add_job(lamp, status=Status.RUNNING, stage="bake", progress=61)
    page = client.get("/").content.decode()
    assert "Lamp &lt;of glass&gt;" in page
    assert "Being made: bake" in page
    assert 'value="61"' in page
    assert "data-busy" in page
    AssetJob.objects.filter(pk=job.pk).update(
        status=Status.REJECTED, advice="Photograph it alone.", ended_at=timezone.now()
    )
    page = client.get("/").content.decode()
    assert "Photograph it alone." in page
    assert "data-busy" not in page


def test_the_photo_is_shown_until_there_is_an_asset(client: Client, lamp: Product) -> None:
    Photo.objects.create(product=lamp, name="a.jpg", key="photos/mer/rejected", state=PhotoState.REJECTED)
    Photo.objects.create(product=lamp, name="b.jpg", key="photos/mer/good", state=PhotoState.READY)
    log_in(client)
    page = client.get("/").content.decode()
    assert "photos/mer/good?" in page
    assert "rejected" not in page
    add_version(lamp)
    assert "photos/mer/good" not in client.get("/").content.decode()


def test_what_the_page_asks_by_itself_is_not_logged(client: Client, lamp: Product, caplog) -> None:
    log_in(client)
    caplog.set_level(logging.INFO, "infra.requests")
    caplog.clear()
    client.get("/", headers={"Sec-Fetch-Dest": "empty"})
    assert caplog.messages == []
    client.get("/", headers={"Sec-Fetch-Dest": "document"})
    assert len(caplog.messages) == 1


def test_a_published_asset_shows_its_poster_files_and_manifest(client: Client, lamp: Product, settings) -> None:
    lamp.published_version = add_version(lamp, "m/mer_x/abc/")
    lamp.save()
    log_in(client)
    page = client.get("/").content.decode()
    base = f"{settings.ENV.s3_endpoint_url}/{settings.ENV.s3_bucket}/m/mer_x/abc"
    assert f'src="{base}/poster.webp" alt="A lamp, from the front"' in page
    assert f'href="{base}/model.usdz" rel="ar"' in page
    assert f'href="/s/{lamp.public_id}.json"' in page


def test_what_is_not_published_is_shown_by_links_that_end(client: Client, lamp: Product) -> None:
    add_job(lamp, status=Status.NEEDS_REVIEW, version=add_version(lamp), ended_at=timezone.now())
    log_in(client)
    page = client.get("/").content.decode()
    assert "To be looked at, grade B" in page
    assert "files/mer/abc/model.glb?" in page
    assert "X-Amz-Signature" in page
    assert "/s/" not in page


def test_nobody_sees_another_merchants_products(client: Client, lamp: Product) -> None:
    other = Merchant.objects.create(name="Chairs", slug="chairs")
    Product.objects.create(merchant=other, sku="chair-1", title="Secret chair")
    log_in(client)
    assert "Secret chair" not in client.get("/").content.decode()


def test_pages_keep_to_our_own_content_security_policy(client: Client, lamp: Product) -> None:
    add_job(lamp, status=Status.RUNNING)
    log_in(client)
    for path in ("/", "/login"):
        page = client.get(path).content.decode()
        assert "<style" not in page
        assert "style=" not in page
        assert page.count("<script") == page.count("<script src=")


def test_outside_the_demo_there_is_no_such_page(settings) -> None:
    import importlib

    from infra import urls

    settings.ENV = replace(settings.ENV, demo=False)
    try:
        names = [getattr(each, "name", "") for each in importlib.reload(urls).urlpatterns]
        assert "healthz" in names
        assert not any(name.startswith("demo") for name in names)
    finally:
        settings.ENV = replace(settings.ENV, demo=True)
        importlib.reload(urls)
        clear_url_caches()
