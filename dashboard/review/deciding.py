"""Publish, take out, go back, turn down: each a form that says which state of the product it was drawn from

What the catalogue refuses, and what somebody else did meanwhile, becomes a notice on the version's page as it is now.
"""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from catalog.checks import Check
from catalog.errors import Conflict, LostRace, Refused
from catalog.jobs import reject_job
from catalog.models import AssetVersion, Product
from catalog.versions import needs_a_look, publish_version, roll_back, unpublish
from dashboard.access import Access, Page, as_drawn, member_page, said
from dashboard.review.standing import job_of

LOOKED = "looked"
"""The box to tick before a guess is published."""

NOT_LOOKED = "Tick “I have looked at it from all sides” first: parts of this model are guessed, or break a limit."
NOTE_LENGTH = 500

Decision = Callable[[HttpRequest, Product, AssetVersion], AssetVersion]
"""Does it, says so in a message, and returns the version to look at next."""


def decision(decide: Decision) -> Page:
    """A view that decides about a version by POST and leads back to its page."""

    @require_POST
    @member_page
    def view(request: HttpRequest, access: Access, product_id: str, version_id: str) -> HttpResponse:
        product = access.product(product_id)
        version = access.version(product, version_id)
        try:
            version = decide(request, product, version)
        except (Refused, LostRace) as error:
            messages.error(request, said(error))
        return redirect("dashboard:version", access.merchant.slug, product.public_id, version.public_id)

    view.__doc__ = decide.__doc__
    return view


@decision
def publish(request: HttpRequest, product: Product, version: AssetVersion) -> AssetVersion:
    """Show this version in the shop; one that waits for review is approved thereby."""
    if needs_a_look(version) and not request.POST.get(LOOKED):
        raise Conflict("not_possible_now", NOT_LOOKED)
    publish_version(version, check=as_drawn(request))
    messages.success(request, f"Version {version.number} is in your shop now. Shoppers see it from the next page on.")
    return version


@decision
def take_out(request: HttpRequest, product: Product, version: AssetVersion) -> AssetVersion:
    """Show nothing of the product any more."""
    unpublish(product, check=while_shown(version, as_drawn(request)))
    messages.success(request, "Your shop shows no model of this product any more. All versions are still here.")
    return version


@decision
def go_back(request: HttpRequest, product: Product, version: AssetVersion) -> AssetVersion:
    """Show what was published before this version."""
    before = roll_back(product, check=while_shown(version, as_drawn(request)))
    messages.success(request, f"Your shop shows version {before.number} again.")
    return before


@decision
def turn_down(request: HttpRequest, product: Product, version: AssetVersion) -> AssetVersion:
    """Reject what waits for review, and say why."""
    job = job_of(version)
    if job is None:
        raise Conflict("not_possible_now", "This version does not wait for review any more.")
    reject_job(job, " ".join(request.POST.get("note", "").split())[:NOTE_LENGTH])
    messages.success(request, "Turned down. Add photos or change the settings, then make the model again.")
    return version


def while_shown(version: AssetVersion, check: Check) -> Check:
    """`check`, and the shop shows `version`."""

    def both(product: Product | None) -> None:
        check(product)
        if product is None or product.published_version_id != version.pk:
            raise LostRace(f"version {version.number} is not shown any more")

    return both
