"""/demo/: a sample shop as a merchant's own website would be, which embeds what the demo has made

Its pages use nothing but what any shop has: the script, the storefront's addresses, `addedToCart()`. Only what has been
published can be turned; of the rest they show the poster, or the photo until there is one, and say what it waits for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from catalog.embed.code import element_code, frame_code
from catalog.embed.frame import json_ld_tag
from catalog.embed.script import ELSEWHERE, languages
from catalog.inputs import USABLE
from catalog.models import AssetVersion, Product
from catalog.storage import storage
from catalog.storefront import POSTER, find_by_sku, manifest, product_json_ld
from infra.demo import SHOP, SLUG

MOST_PRODUCTS = 60
LINK_SECONDS = 3600
PRICES = {"mug": 14.90, "bottle": 8.50, "carton": 3.20, "lamp": 79.00, "chair": 189.00, "shoe": 95.00, "coffee": 12.00}
OTHER_PRICE = 24.90
CURRENCY = "EUR"
LANGUAGE_NAMES = {"en": "English", "de": "Deutsch", "fr": "Français"}


@dataclass(frozen=True)
class Offer:
    """A product as the shop shows it. picture: address of the poster or of a photo, empty where there is none."""

    product: Product
    version: AssetVersion | None
    picture: str

    @property
    def published(self) -> bool:
        """Whether shoppers may turn it."""
        return self.product.published_version_id is not None

    @property
    def alt(self) -> str:
        """The picture in words."""
        return self.version.alt_text if self.version and self.version.alt_text else self.product.title

    @property
    def price(self) -> float:
        """In euros."""
        return PRICES.get(self.product.sku, OTHER_PRICE)

    @property
    def sides(self) -> str:
        """Width, height and depth of what is shown, in centimetres."""
        dimensions: Mapping[str, float] = self.version.dimensions if self.version else {}
        return " × ".join(
            f"{100 * dimensions[side]:.1f}" for side in ("width", "height", "depth") if side in dimensions
        )

    @property
    def dashboard(self) -> str:
        """Where the merchant sees to it."""
        return f"/shops/{SLUG}/products/{self.product.public_id}/"


@never_cache
@require_safe
def all_products(request: HttpRequest) -> HttpResponse:
    """The shop's front page."""
    products = Product.objects.filter(merchant__slug=SLUG, archived=False).select_related("published_version")
    offers = [offer_of(product) for product in products.order_by("id")[:MOST_PRODUCTS]]
    return render(request, "infra/shop/products.html", {"shop": SHOP, "offers": offers})


@never_cache
@require_safe
def one_product(request: HttpRequest, sku: str) -> HttpResponse:
    """A product's page, with the code that shows it anywhere else."""
    found = Product.objects.filter(merchant__slug=SLUG, archived=False, sku=sku).select_related("published_version")
    product = found.first()
    if product is None:
        raise Http404
    offer, asked, origin = offer_of(product), request.GET.get("lang", ""), request.build_absolute_uri("/").rstrip("/")
    context = {
        "shop": SHOP,
        "offer": offer,
        "currency": CURRENCY,
        "code": element_code(product, origin),
        "frame_code": frame_code(product, origin),
        "language": asked if asked in languages() else ELSEWHERE,
        "languages": [(code, LANGUAGE_NAMES.get(code, code)) for code in languages()],
        "json_ld": json_ld(offer),
    }
    return render(request, "infra/shop/product.html", context)


def offer_of(product: Product) -> Offer:
    """The product with the picture that there is of it."""
    version = product.published_version or product.versions.order_by("-number").first()
    if product.published_version is not None:
        return Offer(product, version, manifest(product)["poster"] or "")
    keys = [file["key"] for file in (version.files if version else ()) if file["name"] == POSTER]
    keys += product.photos.filter(state__in=USABLE).order_by("id").values_list("key", flat=True)[:1]
    return Offer(product, version, storage().link(keys[0], expires_in=LINK_SECONDS) if keys else "")


def json_ld(offer: Offer) -> str:
    """What search engines read: the product with its model and the price."""
    shown = find_by_sku(SLUG, offer.product.sku) if offer.published else None
    if shown is None:
        return ""
    price = {"@type": "Offer", "price": f"{offer.price:.2f}", "priceCurrency": CURRENCY}
    data: dict[str, Any] = {**product_json_ld(shown), "offers": price}
    return json_ld_tag(data)


def product_url(sku: str) -> str:
    """Where the shop sells that."""
    return f"/demo/{quote(sku, safe='')}"


urlpatterns: list[URLPattern] = [
    path("demo/", all_products, name="demo-shop"),
    path("demo/<path:sku>", one_product, name="demo-product"),
]
