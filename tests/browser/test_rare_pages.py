# ruff: noqa: F401, F811 -- fixtures of another file
"""The pages that few people see and nobody practises: forms' answers, letters' links, what went wrong."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.utils.http import urlsafe_base64_encode

from catalog.happenings import count
from catalog.invitations import invite, proof_of
from catalog.models import Happening, Kind, Merchant, Role
from tests.browser.chromium import DESK, PHONE, Watched, watch
from tests.browser.conftest import OpenBrowser
from tests.browser.test_shop_pages import OWNER, shop, sign_in, url
from tests.catalog.makers import make_job, make_product
from tests.dashboard.test_products import make_version

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker")]

SIZES = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
TABLE = "sku;title;width (cm)\nMUG;Blue mug;8,2\nCUP;;9\nL-1;Another title;7"

SEND = """([path, fields]) => {
    const form = document.createElement('form');
    const token = document.querySelector('[name=csrfmiddlewaretoken]').value;
    Object.assign(form, {method: 'post', action: path});
    for (const [name, value] of [...fields, ['csrfmiddlewaretoken', token]]) {
        const input = document.createElement('input');
        Object.assign(input, {type: 'hidden', name, value});
        form.append(input);
    }
    document.body.append(form);
    form.submit();
}"""


class Walk:
    """Goes to page after page and writes down what is wrong with each."""

    def __init__(self, watched: Watched, url: str, pictures: Path) -> None:
        self.watched, self.url, self.pictures, self.wrong = watched, url, pictures, dict[str, list[str]]()

    def look(self, name: str, heading: str) -> None:
        """Note what is wrong with the page as it stands, which has that heading."""
        page = self.watched.page
        page.get_by_role("heading", name=heading).first.wait_for()
        page.screenshot(path=str(self.pictures / f"{name}.png"), full_page=True)
        found = self.watched.violations()
        if self.watched.overflow() > 0:
            found.append("wider than its window")
        if found:
            self.wrong[name] = found

    def go(self, name: str, path: str, heading: str) -> None:
        """Open a page and look at it."""
        self.watched.page.goto(f"{self.url}{path}")
        self.look(name, heading)

    def send(self, name: str, path: str, fields: list[tuple[str, str]], heading: str) -> None:
        """Send a form from the page that is open and look at the answer."""
        with self.watched.page.expect_navigation():
            self.watched.page.evaluate(SEND, [path, fields])
        self.look(name, heading)


@pytest.fixture
def walk(url: str, open_browser: OpenBrowser, pictures: Path, size: tuple[int, int], settings) -> Walk:
    settings.DEFAULT_FROM_EMAIL = "plinth@example.test"
    return Walk(watch(open_browser(size)), url, pictures)


@pytest.mark.slow
@SIZES
def test_nobody_who_comes_by_a_link_finds_anything_to_complain_about(walk: Walk, shop: Merchant) -> None:
    owner = User.objects.get(username=OWNER)
    _, token = invite(shop, "other@lamps.example", Role.EDITOR, by=owner)
    _, known = invite(shop, "somebody@chairs.example", Role.VIEWER, by=owner)
    User.objects.create_user("somebody@chairs.example", password="a long password")
    person = urlsafe_base64_encode(str(owner.pk).encode())
    walk.go("invitation", f"/invitations/{token}?proof={proof_of(token)}", "Join Lamps")
    walk.send("invitation-refused", walk.watched.page.url, [("password", "short")], "Join Lamps")
    walk.go("invitation-handed-on", f"/invitations/{token}", "Join Lamps")
    walk.send("invitation-sent", walk.watched.page.url, [], "letters")
    walk.go("invitation-known", f"/invitations/{known}", "Join Lamps")
    walk.go("invitation-over", "/invitations/none", "This invitation is over")
    walk.go("forgotten", "/password/forgotten", "Forgotten password")
    walk.send("forgotten-sent", "/password/forgotten", [("username", "who@lamps.example")], "Forgotten password")
    walk.go(
        "another-password",
        f"/password/another/{person}/{default_token_generator.make_token(owner)}",
        "Set another password",
    )
    walk.send("another-password-refused", walk.watched.page.url, [("password", "short")], "Set another password")
    walk.go("another-password-over", "/password/another/MQ/abc-def", "This link is over")
    walk.go("not-found", "/not/here", "There is nothing here")
    assert walk.wrong == {}


@pytest.mark.slow
@SIZES
def test_no_member_finds_anything_to_complain_about(walk: Walk, shop: Merchant) -> None:
    product = make_product(shop)
    version, job = make_version(product), make_job(product, kind=Kind.UPLOAD)
    type(version).objects.filter(pk=version.pk).update(published_at=version.created_at)
    type(product).objects.filter(pk=product.pk).update(published_version=version)
    assert count(version.public_id, Happening.VIEW)
    ids = [("id", row.public_id) for row in shop.products.all()[:3]]
    at, under = "/shops/lamps/", f"/shops/lamps/products/{product.public_id}/"
    sign_in(walk.watched.page, walk.url)
    walk.go("import", f"{at}products/import", "Import")
    table = [("text", TABLE), ("unit", "cm")]
    walk.send("import-refused", f"{at}products/import", [("text", "name\nMug"), ("unit", "cm")], "Import")
    walk.send("import-preview", f"{at}products/import", table, "What would change")
    walk.send("import-done", f"{at}products/import/apply", table, "products imported")
    walk.send("bulk-delete", f"{at}products/bulk", [("action", "delete"), *ids], "Delete 3 products for good")
    walk.send("bulk-result", f"{at}products/bulk", [("action", "make"), *ids], "of 3 done")
    walk.send("team-invited", f"{at}team/invite", [("email", "a@b.example"), ("role", "viewer")], "Team")
    walk.send("team-refused", f"{at}team/invite", [("email", "a"), ("role", "king")], "Team")
    walk.go("analytics-product", f"{at}analytics/{product.public_id}", "version by version")
    walk.go("version-upload", f"{under}versions/upload", "Upload a model of")
    walk.go("version-making", f"{under}versions/making/{job.public_id}", "A new version of")
    walk.go("not-found", f"{at}products/prd_none/", "There is nothing here")
    walk.go("keys", f"{at}keys", "Keys")
    shop.members.filter(user__username=OWNER).update(role=Role.VIEWER)
    walk.send("forbidden", f"{at}keys", [("name", "x")], "You may look")
    walk.go("password", "/password", "Change your password")
    walk.watched.page.context.clear_cookies(name="csrftoken")
    walk.send("expired", "/password", [], "Please send that once more")
    assert walk.wrong == {}


LISTS = ("merchant", "product", "assetjob", "assetversion", "worker")


@pytest.mark.slow
@SIZES
def test_the_back_room_has_nothing_to_complain_about(walk: Walk, shop: Merchant) -> None:
    User.objects.filter(username=OWNER).update(is_staff=True, is_superuser=True)
    make_version(shop.products.all()[0])
    rows = {"merchant": shop, "product": shop.products.all()[0], "assetjob": shop.products.all()[0].jobs.all()[0]}
    sign_in(walk.watched.page, walk.url)
    walk.go("staff", "/staff/", "What there is")
    for model in LISTS:
        walk.go(f"staff-{model}", f"/staff/catalog/{model}/", "Select")
    for model, row in rows.items():
        walk.go(f"staff-{model}-row", f"/staff/catalog/{model}/{row.pk}/change/", "")
    walk.go("staff-search", "/staff/catalog/product/?q=prd_none", "")
    assert walk.wrong == {}
