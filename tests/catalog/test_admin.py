"""The back room opens for staff alone, shows rows by their ids, and changes them through the catalogue's functions."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from catalog.admin import MOST_COUNTED, site
from catalog.merchants import create_merchant, issue_api_key
from catalog.models import AssetJob, Product, Status
from tests.catalog.conftest import make_user
from tests.catalog.makers import make_job, make_photo, make_product, make_worker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broker")]

LISTS = sorted(f"/staff/catalog/{model._meta.model_name}/" for model in site._registry)


@pytest.fixture
def staff() -> Client:
    """A superuser who is signed in."""
    client = Client()
    client.force_login(User.objects.create_superuser("staff@plinth.example", "staff@plinth.example", "a long password"))
    return client


@pytest.fixture
def job() -> AssetJob:
    shop = create_merchant("Lamps <b>", make_user("owner"))
    issue_api_key(shop, "till", may_write=True)
    product = make_product(shop, photos=0)
    make_photo(product)
    make_worker()
    job = make_job(product)
    job.record("status")
    return job


def ended(job: AssetJob, status: Status) -> AssetJob:
    AssetJob.objects.filter(pk=job.pk).update(status=status, ended_at=timezone.now())
    job.refresh_from_db()
    return job


def test_only_staff_come_in_and_others_learn_of_no_room(client: Client, job: AssetJob) -> None:
    for path in ("/staff/", *LISTS, f"/staff/catalog/assetjob/{job.pk}/change/"):
        assert client.get(path, follow=True).redirect_chain[-1] == (f"/sign-in?next={path}", 302)
    client.force_login(job.merchant.members.get().user)
    for path in ("/staff/", *LISTS):
        response = client.get(path, follow=True)
        assert response.status_code == 404


def test_staff_see_every_list_and_every_row(staff: Client, job: AssetJob) -> None:
    for path in ("/staff/", *LISTS):
        page = staff.get(path)
        assert page.status_code == 200
        assert "<b>" not in page.content.decode().replace("</b>", "")
    for model, row in (("assetjob", job), ("product", job.product), ("merchant", job.merchant)):
        assert staff.get(f"/staff/catalog/{model}/{row.pk}/change/").status_code == 200


def test_pages_keep_to_the_content_security_policy(staff: Client, job: AssetJob) -> None:
    for path in ("/staff/", *LISTS, f"/staff/catalog/assetjob/{job.pk}/change/"):
        response = staff.get(path)
        page = response.content.decode()
        assert "unsafe-inline" not in response["Content-Security-Policy"]
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick" not in page


def test_nothing_is_added_edited_or_deleted_there(staff: Client, job: AssetJob) -> None:
    for model, row in (("assetjob", job), ("product", job.product), ("merchant", job.merchant)):
        assert staff.get(f"/staff/catalog/{model}/add/").status_code == 403
        assert staff.post(f"/staff/catalog/{model}/{row.pk}/change/", {"status": "published"}).status_code == 403
        assert staff.post(f"/staff/catalog/{model}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    job.refresh_from_db()
    assert job.status == Status.QUEUED
    assert Product.objects.exists()


def test_no_secret_is_shown(staff: Client, job: AssetJob) -> None:
    page = staff.get(f"/staff/catalog/merchant/{job.merchant.pk}/change/").content.decode()
    key = job.merchant.api_keys.get()
    assert key.prefix in page
    assert key.sha256 not in page


def act(client: Client, action: str, *jobs: AssetJob) -> str:
    form = {"action": action, "_selected_action": [job.pk for job in jobs]}
    return client.post("/staff/catalog/assetjob/", form, follow=True).content.decode()


def test_jobs_are_retried_and_cancelled_by_the_catalogues_functions(staff: Client, job: AssetJob) -> None:
    assert "is cancelled" in act(staff, "cancel", job)
    job.refresh_from_db()
    assert job.status == Status.CANCELLED
    assert job.events.filter(text__startswith="cancel_job by staff").exists()
    assert "cannot be cancelled" in act(staff, "cancel", job)
    assert "is waiting" in act(staff, "retry", job)
    job.refresh_from_db()
    assert job.status == Status.QUEUED


def test_staff_who_may_only_look_have_no_actions(job: AssetJob) -> None:
    user = User.objects.create_user("look@plinth.example", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_assetjob"))
    client = Client()
    client.force_login(user)
    assert client.get("/staff/catalog/assetjob/").status_code == 200
    assert client.get("/staff/catalog/merchant/").status_code == 403
    act(client, "cancel", job)
    job.refresh_from_db()
    assert job.status == Status.QUEUED


def test_rows_are_found_by_whole_ids_alone(staff: Client, job: AssetJob) -> None:
    other = make_job(make_product(create_merchant("Chairs", make_user("other")), photos=0))
    for text in (job.public_id, job.product.public_id, job.merchant.public_id, f" {job.public_id} "):
        page = staff.get("/staff/catalog/assetjob/", {"q": text}).content.decode()
        assert (job.public_id in page, other.public_id in page) == (True, False), text
    for text in (job.public_id[:8], "lamp", "%"):
        page = staff.get("/staff/catalog/assetjob/", {"q": text}).content.decode()
        assert f">{job.public_id}<" not in page


@pytest.mark.parametrize(("look", "shown"), [("active", [0]), ("failed", [1]), ("held", [])])
def test_jobs_to_look_at_are_one_click_away(staff: Client, job: AssetJob, look: str, shown: list[int]) -> None:
    failed = ended(make_job(make_product(job.merchant, photos=0)), Status.FAILED)
    page = staff.get("/staff/catalog/assetjob/", {"look": look}).content.decode()
    assert [number for number, each in enumerate((job, failed)) if f">{each.public_id}<" in page] == shown


def test_large_tables_are_not_counted_to_their_end(staff: Client, job: AssetJob, django_assert_max_num_queries) -> None:
    Product.objects.bulk_create(
        Product(merchant=job.merchant, sku=f"S-{number}", title="Mug") for number in range(MOST_COUNTED + 100)
    )
    with django_assert_max_num_queries(6) as queries:
        page = staff.get("/staff/catalog/product/").content.decode()
    assert f"{MOST_COUNTED} products" in page
    counts = [query["sql"] for query in queries.captured_queries if "COUNT(" in query["sql"]]
    assert counts
    assert all(f"LIMIT {MOST_COUNTED}" in sql for sql in counts)
