"""The demo's page: the sample shop's products, how far their assets are, and the files. The dashboard replaces it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from catalog.inputs import USABLE
from catalog.jobs import queue_position
from catalog.models import AssetJob, AssetVersion, Product, Status
from catalog.storage import storage

MOST_PRODUCTS = 60
LINK_SECONDS = 3600
ALIVE = (Status.QUEUED, Status.RUNNING)


@dataclass(frozen=True)
class Card:
    """A product as the page shows it. files: name -> address; empty while there is no asset. photo: the first one's."""

    product: Product
    job: AssetJob | None
    place: int | None
    version: AssetVersion | None
    files: Mapping[str, str]
    photo: str

    @property
    def alive(self) -> bool:
        """Whether its asset is being made."""
        return self.job is not None and self.job.status in ALIVE

    @property
    def poster(self) -> str:
        """Address of the picture, if any."""
        return self.files.get("poster.webp", "")

    @property
    def glb(self) -> str:
        """Address of the model for browsers."""
        return self.files.get("model.glb", "")

    @property
    def usdz(self) -> str:
        """Address of the model for iPhones."""
        return self.files.get("model.usdz", "")


@never_cache
@require_safe
@login_required(login_url="demo-login")
def demo_page(request: HttpRequest) -> HttpResponse:
    """The products of the merchants that the person acts for. Its own script asks for it again and again, quietly."""
    request.quiet = request.headers.get("Sec-Fetch-Dest") == "empty"  # type: ignore[attr-defined]
    products = (
        Product.objects.filter(merchant__members__user=request.user, archived=False)  # type: ignore[misc]
        .select_related("published_version", "merchant")
        .order_by("id")[:MOST_PRODUCTS]
    )
    cards = [card_of(product) for product in products]
    return render(request, "infra/demo.html", {"cards": cards, "busy": any(card.alive for card in cards)})


def card_of(product: Product) -> Card:
    """What is known of the product's newest asset."""
    job = product.jobs.order_by("-id").first()
    version = product.published_version or product.versions.order_by("-number").first()
    place = queue_position(job) if job and job.status == Status.QUEUED else None
    files = addresses(version) if version else {}
    first = product.photos.filter(state__in=USABLE).order_by("id").first()
    photo = storage().link(first.key, expires_in=LINK_SECONDS) if first and not files else ""
    return Card(product, job, place, version, files, photo)


def addresses(version: AssetVersion) -> Mapping[str, str]:
    """File name -> address; of what is not published one that ends in an hour."""
    if version.public_files:
        return {file["name"]: storage().public_url(file["key"]) for file in _files(version.public_files)}
    return {file["name"]: storage().link(file["key"], expires_in=LINK_SECONDS) for file in _files(version.files)}


def _files(stored: object) -> Sequence[Mapping[str, str]]:
    assert isinstance(stored, list), "a version's files are a list"
    return stored


urlpatterns: list[URLPattern] = [
    path("", demo_page, name="demo"),
    path("login", LoginView.as_view(template_name="infra/login.html", next_page="demo"), name="demo-login"),
    path("logout", LogoutView.as_view(next_page="demo-login"), name="demo-logout"),
]
