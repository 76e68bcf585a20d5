"""The photos of a product: sent straight to the store, named by side, with what a worker saw marked on them"""

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from catalog import photos
from catalog.errors import Away, Invalid, LostRace, Refused
from catalog.image_types import CONTENT_TYPES
from catalog.models import Photo, PhotoState, Product, View
from catalog.storage import storage
from dashboard.access import Access, is_fragment, member_page, page, said
from dashboard.product.words import LEVELS, SHOWN_BY_BROWSERS, VIEW_HELP

LINK_SECONDS = 1800
"""For as long an address of a picture stays the same, so that browsers need not load it again; it lives twice that."""

CHANGED = "photos-changed"
"""Told to the page's other parts, which ask again then."""

HELPFUL: Mapping[str, str] = {
    View.FRONT: "one of the front. If you have it already, name it.",
    View.THREE_QUARTER: "one from the corner, a little from above.",
    View.BACK: "one of the back.",
}
"""A side that is missing -> what would help, the most helpful first."""

PHOTO_ID = re.compile(r"pho_[a-z0-9]{1,24}")
UNKNOWN_SIDE = 1000
"""Of a photo that was refused: nobody wrote down how large it is."""

NOT_SHOWN = frozenset({"not_an_image", "photo_broken", "photo_truncated", "photo_empty"})
SEVERITY = ("retake", "usable", "note")


@dataclass(frozen=True)
class Mark:
    """Where in the picture a remark is about, in pixels of the photo. size: of the number in its corner."""

    number: int
    level: str
    left: float
    top: float
    width: float
    height: float
    size: float

    @property
    def middle(self) -> tuple[float, float]:
        """Where the number stands: in the mark's corner, inside the picture."""
        return self.left + self.size * 0.8, self.top + self.size * 0.8


@dataclass(frozen=True)
class Remark:
    """What there is to say about a photo. number: of its marks; 0: it is about all of the photo."""

    level: str
    heading: str
    text: str
    number: int = 0


@dataclass(frozen=True)
class Card:
    """A photo as the page shows it. picture: its address; empty where a browser could not show it.

    width, height: what marks are measured in.
    """

    photo: Photo
    picture: str
    width: int
    height: int
    remarks: Sequence[Remark]
    marks: Sequence[Mark]

    @property
    def waiting(self) -> bool:
        """Whether a worker has still to fetch it or look at it."""
        return self.photo.state == PhotoState.CHECKING or self.fetching

    @property
    def fetching(self) -> bool:
        """Whether it is on its way from an address."""
        return self.photo.state == PhotoState.AWAITED and bool(self.photo.source_url)

    @property
    def interrupted(self) -> bool:
        """Whether it was to come from a browser and has not arrived."""
        return self.photo.state == PhotoState.AWAITED and not self.photo.source_url

    @property
    def level(self) -> str:
        """The worst there is to say."""
        levels = {remark.level for remark in self.remarks}
        return next((level for level in SEVERITY if level in levels), "")


# the page's parts


def gallery_context(product: Product) -> dict[str, Any]:
    """All photos, and what adding one needs to know."""
    cards = [card_of(photo) for photo in product.photos.order_by("id")]
    return {
        "product": product,
        "cards": cards,
        "views": list(VIEW_HELP.items()),
        "most_photos": photos.MAX_PHOTOS,
        "most_bytes": settings.MAX_PHOTO_BYTES,
        "most_megabytes": f"{settings.MAX_PHOTO_BYTES / 1e6:g}",
        "types": " ".join(sorted(CONTENT_TYPES)),
        **sides_context(product),
    }


def sides_context(product: Product) -> dict[str, Any]:
    """Which sides are named, which twice, and the photo that would help most."""
    usable = product.photos.exclude(state=PhotoState.REJECTED)
    counts = Counter(usable.exclude(view="").values_list("view", flat=True))
    sides = [(value, label, counts[value]) for value, label in VIEW_HELP.items()]
    twice = [label.lower() for _, label, count in sides if count > 1]
    return {"product": product, "sides": sides, "twice": twice, "next_photo": next_photo(product, counts)}


def next_photo(product: Product, named: Mapping[str, int]) -> str:
    """The photo that would help most: as the latest version's certificate says, or by what is missing."""
    version = product.versions.order_by("-number").only("certificate").first()
    told = str(version.certificate.get("next_photo") or "") if version else ""
    if told or version:
        return told
    if not product.photos.exists():
        return ""
    return next((words for view, words in HELPFUL.items() if not named.get(view)), "")


def card_of(photo: Photo) -> Card:
    """The photo with its remarks, the gravest first, and their marks."""
    found = sorted(photo.advice, key=lambda each: SEVERITY.index(each["level"]) if each["level"] in SEVERITY else 9)
    width, height = photo.width or UNKNOWN_SIDE, photo.height or UNKNOWN_SIDE
    remarks: list[Remark] = []
    marks: list[Mark] = []
    for each in found:
        boxes = each.get("boxes") or []
        number = 1 + len({mark.number for mark in marks}) if boxes else 0
        remarks.append(Remark(each["level"], LEVELS.get(each["level"], ""), each["text"], number))
        marks += [mark_of(width, height, number, each["level"], box) for box in boxes]
    shown = photo.state != PhotoState.AWAITED and photo.content_type in SHOWN_BY_BROWSERS
    picture = link_to(photo.key) if shown and photo.reject_code not in NOT_SHOWN else ""
    return Card(photo, picture, width, height, remarks, marks)


def mark_of(width: int, height: int, number: int, level: str, box: Mapping[str, float]) -> Mark:
    """A box as a share of the photo -> pixels of it."""
    return Mark(
        number,
        level,
        left=round(box["left"] * width, 1),
        top=round(box["top"] * height, 1),
        width=round(box["width"] * width, 1),
        height=round(box["height"] * height, 1),
        size=round(max(width, height) / 14, 1),
    )


def link_to(key: str) -> str:
    """Where a browser reads a private object, the same address for a while."""
    return _link(key, int(time.time() // LINK_SECONDS))


@lru_cache(maxsize=4096)
def _link(key: str, _now: int) -> str:
    return storage().link(key, expires_in=2 * LINK_SECONDS)


# views


@require_safe
@member_page
def gallery(request: HttpRequest, access: Access, product_id: str) -> HttpResponse:
    """All photos, or what there is to say about their sides."""
    request.quiet = True  # type: ignore[attr-defined]
    product = access.product(product_id)
    if request.headers.get("HX-Target") == "sides":
        return page(request, access, "dashboard/product_sides.html", sides_context(product))
    return page(request, access, "dashboard/product_photos.html", gallery_context(product))


@require_safe
@member_page
def settled(request: HttpRequest, access: Access, product_id: str) -> HttpResponse:
    """Of the photos that the page still waits for, the cards of those that it need not wait for any more.

    Asked again and again; while there is none, nothing is swapped and nobody disturbed who is naming a side.
    """
    request.quiet = True  # type: ignore[attr-defined]
    product = access.product(product_id)
    asked = {each for each in request.GET.getlist("waiting")[: photos.MAX_PHOTOS] if PHOTO_ID.fullmatch(each)}
    found = list(product.photos.filter(public_id__in=asked))
    cards = [card for card in map(card_of, found) if not card.waiting]
    gone = sorted(asked - {photo.public_id for photo in found})
    if not cards and not gone:
        return HttpResponse(status=204)
    context = {"product": product, "cards": cards, "gone": gone, "views": list(VIEW_HELP.items())}
    return changed(page(request, access, "dashboard/product_settled.html", context))


@require_POST
@member_page(writes=True)
def begin(request: HttpRequest, access: Access, product_id: str) -> HttpResponse:
    """A place in the store for a photo, and the form that the browser sends it there by."""
    product = access.product(product_id)

    def start() -> dict[str, Any]:
        wish = {"name": request.POST.get("name", ""), "content_type": request.POST.get("content_type", "")}
        photo, form = photos.start_upload(product, **wish)
        place = [access.merchant.slug, product.public_id, photo.public_id]
        return {
            "url": form.url,
            "fields": dict(form.fields),
            "confirm": reverse("dashboard:photo-confirm", args=place),
            "remove": reverse("dashboard:photo-remove", args=place),
        }

    return as_json(start)


@require_POST
@member_page(writes=True)
def confirm(request: HttpRequest, access: Access, product_id: str, photo_id: str) -> HttpResponse:
    """The photo has arrived: its card, in JSON as the uploads are."""
    photo = find_photo(access.product(product_id), photo_id)

    def settle() -> dict[str, Any]:
        try:
            confirmed = photos.confirm_upload(photo)
        except Refused as error:
            if error.code != "upload_missing":  # what has arrived is no photo: nothing of it stays
                photos.delete_photo(photo)
            raise
        shown = show_card(request, access, confirmed)
        return {"card": shown.content.decode()}

    return as_json(settle)


@require_POST
@member_page(writes=True)
def add_address(request: HttpRequest, access: Access, product_id: str) -> HttpResponse:
    """Have a photo fetched from an address."""
    product = access.product(product_id)
    typed, error, added = request.POST.get("url", "").strip(), "", None
    known = set(product.photos.values_list("pk", flat=True))
    try:
        if not typed:
            raise Invalid("bad_value", "Paste the address of a photo.")
        added = photos.add_photo_from_url(product, typed)
    except Refused as refusal:
        error = refusal.message
    if added is not None and added.pk in known:
        error = "The photo from that address is here already."
    if not is_fragment(request):
        messages.add_message(request, messages.ERROR if error else messages.SUCCESS, error or "It is being fetched.")
        return redirect("dashboard:product", access.merchant.slug, product.public_id)
    context: dict[str, Any] = {"product": product, "views": list(VIEW_HELP.items())}
    if error or added is None:
        context |= {"typed_url": typed, "url_error": error}
        return page(request, access, "dashboard/product_address.html", context, status=422)
    return changed(page(request, access, "dashboard/product_address.html", {**context, "added": card_of(added)}))


@require_POST
@member_page(writes=True)
def name_view(request: HttpRequest, access: Access, product_id: str, photo_id: str) -> HttpResponse:
    """Say which side a photo shows."""
    product = access.product(product_id)
    photo = photos.change_photo(find_photo(product, photo_id), request.POST.get("view", ""))
    if not is_fragment(request):
        return redirect("dashboard:product", access.merchant.slug, product.public_id)
    words = f"{photo.name}: {VIEW_HELP[photo.view] if photo.view else 'no side named'}. Saved."
    return page(
        request, access, "dashboard/product_sides.html", {**sides_context(product), "said_words": words, "oob": True}
    )


@require_POST
@member_page(writes=True)
def remove(request: HttpRequest, access: Access, product_id: str, photo_id: str) -> HttpResponse:
    """Delete a photo for good; one that is gone already is gone."""
    product = access.product(product_id)
    photo = product.photos.filter(public_id=photo_id).first()
    if photo is not None:
        photos.delete_photo(photo)
    elif Photo.objects.filter(public_id=photo_id).exists():  # another product's
        find_photo(product, photo_id)
    if not is_fragment(request):
        return redirect("dashboard:product", access.merchant.slug, product.public_id)
    context = {**sides_context(product), "said_words": "The photo is gone.", "oob": True}
    return changed(page(request, access, "dashboard/product_sides.html", context))


def find_photo(product: Product, photo_id: str) -> Photo:
    """The product's photo with that id. Raises Http404."""
    photo: Photo = get_object_or_404(product.photos.select_related("product__merchant"), public_id=photo_id)
    return photo


def show_card(request: HttpRequest, access: Access, photo: Photo) -> HttpResponse:
    """A photo's card."""
    context = {"card": card_of(photo), "product": photo.product, "views": list(VIEW_HELP.items())}
    return page(request, access, "dashboard/product_photo.html", context)


def changed(response: HttpResponse) -> HttpResponse:
    """With a word to the page's other parts."""
    response.headers["HX-Trigger-After-Swap"] = CHANGED
    return response


def as_json(act: Callable[[], dict[str, Any]]) -> JsonResponse:
    """What `act` says, or in `message` why it could not."""
    try:
        return JsonResponse(act())
    except Away as error:
        return JsonResponse({"message": f"{error.message} Try again in a moment."}, status=503)
    except (Refused, LostRace) as error:
        return JsonResponse({"message": said(error)}, status=422)
