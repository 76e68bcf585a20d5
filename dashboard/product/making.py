"""The form that makes a model, and what can be done about a job"""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from catalog import context, jobs
from catalog.api.jobs import FEWEST_TRIANGLES, LARGEST_SEED, MOST_TRIANGLES, TEXTURE_SIZES
from catalog.errors import CatalogError, Conflict, Invalid, Refused
from catalog.forecast import forecast, line_for
from catalog.inputs import USABLE
from catalog.models import AssetJob, Kind, PhotoState, Product
from catalog.queue import CPU
from catalog.recipe import Recipe
from catalog.versions import publish_version, refuse_unseen
from catalog.workers import known_generators, known_names, slots_of
from dashboard.access import Access, as_drawn, is_fragment, member_page, page, said
from dashboard.product.live import panel_context
from dashboard.product.words import PROFILES, QUALITIES

STARTED = "model-started"
LOOKING = "We are still looking at your photos; a moment."
LOOKING_LATER = "Your photos wait for a worker: none is running now. Nothing is lost; it goes on by itself."


def make_context(access: Access, product: Product, latest: AssetJob | None) -> dict[str, Any]:
    """The form, filled in as the last model of the product was asked for."""
    made = latest or product.jobs.filter(kind=Kind.MAKE).order_by("-pk").first()
    recipe = Recipe.from_json(made.recipe) if made else Recipe()
    return {**form_context(access, recipe), **ready_context(access, product), "again": made is not None}


def form_context(access: Access, recipe: Recipe, errors: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The form's choices, each with what it would take."""
    names = known_names("qualities")
    qualities = [name for name in QUALITIES if not names or name in names]
    line = line_for(access.merchant)
    expected = forecast(line, qualities)
    usual = Recipe()
    own = (recipe.triangles, recipe.texture_size, recipe.profiles, recipe.seed, recipe.generator)
    return {
        "recipe": recipe,
        "line": line,
        "qualities": [(name, *QUALITIES[name], expected[name]) for name in qualities],
        "generators": sorted(known_generators().values(), key=lambda spec: str(spec["name"])),
        "profiles": [(name, PROFILES.get(name, name)) for name in sorted(known_names("profiles"))],
        "texture_sizes": TEXTURE_SIZES,
        "fewest_triangles": FEWEST_TRIANGLES,
        "most_triangles": MOST_TRIANGLES,
        "errors": errors or {},
        "opened": bool(errors)
        or own != (usual.triangles, usual.texture_size, usual.profiles, usual.seed, usual.generator),
    }


def ready_context(access: Access, product: Product) -> dict[str, Any]:
    """Whether the button may be pressed, and if not, why."""
    states = list(product.photos.values_list("state", flat=True))
    usable = sum(state in USABLE for state in states)
    looked_at = sum(state == PhotoState.CHECKING for state in states)
    fetched = product.photos.filter(state=PhotoState.AWAITED).exclude(source_url="").count()
    why_not = ""
    if product.archived:
        why_not = "The product is archived: restore it first."
    elif product.jobs.filter(ended_at=None).exists():
        why_not = "A model of this product is being made already."
    elif not usable:
        why_not = "Add a photo first." if not fetched else "The photos are still on their way."
    elif looked_at or fetched:
        why_not = LOOKING if slots_of(CPU) else LOOKING_LATER
    sized = all((product.width, product.height, product.depth))
    line = line_for(access.merchant)
    before = line.ahead if line.slots and line.ahead >= line.slots else 0
    return {"product": product, "usable": usable, "why_not": why_not, "sized": sized, "before": before}


@require_safe
@member_page
def ready(request: HttpRequest, access: Access, product_id: str) -> HttpResponse:
    """The button, after photos or jobs have changed."""
    request.quiet = True  # type: ignore[attr-defined]
    return page(request, access, "dashboard/product_ready.html", ready_context(access, access.product(product_id)))


@require_POST
@member_page(writes=True)
def make(request: HttpRequest, access: Access, product_id: str) -> HttpResponse:
    """Ask for a model as the form says."""
    product = access.product(product_id)
    recipe, errors = read_recipe(request.POST)
    if not errors:
        try:
            jobs.request_asset(product, recipe, request_id=context.request_id.get())
            return panel_after(request, access, product, started=True)
        except Invalid as error:
            errors = dict.fromkeys(error.fields or ("quality",), error.message)
        except Refused as error:
            errors = {"product": error.message}
    shown = {**form_context(access, recipe, errors), **ready_context(access, product), "again": True}
    if is_fragment(request):
        response = page(request, access, "dashboard/product_make.html", shown, status=422)
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#make", "outerHTML"
        return response
    messages.error(request, " ".join(errors.values()))
    return redirect("dashboard:product", access.merchant.slug, product.public_id)


@require_POST
@member_page(writes=True)
def cancel(request: HttpRequest, access: Access, product_id: str, job_id: str) -> HttpResponse:
    """Stop a job."""
    product = access.product(product_id)
    return act(request, access, product, lambda: jobs.cancel_job(find_job(product, job_id)))


@require_POST
@member_page(writes=True)
def retry(request: HttpRequest, access: Access, product_id: str, job_id: str) -> HttpResponse:
    """Try a job again, at what it has made so far."""
    product = access.product(product_id)
    return act(request, access, product, lambda: jobs.retry_job(find_job(product, job_id)))


@require_POST
@member_page(writes=True)
def publish(request: HttpRequest, access: Access, product_id: str, job_id: str) -> HttpResponse:
    """Show what a job has made in the shop, unless it needs a look first."""
    product = access.product(product_id)
    version = find_job(product, job_id).version

    def show() -> None:
        if version is None:
            raise Conflict("not_possible_now", "It has made no model that could be published.")
        refuse_unseen(version)
        publish_version(version, check=as_drawn(request))

    return act(request, access, product, show)


def act(request: HttpRequest, access: Access, product: Product, do: Callable[[], object]) -> HttpResponse:
    """Do it, and show the model's panel as it is then, with what was refused in it."""
    try:
        do()
    except CatalogError as error:
        words = said(error)
        if not is_fragment(request):
            messages.error(request, words)
        return panel_after(request, access, product, trouble=words)
    return panel_after(request, access, product, started=True)


def panel_after(
    request: HttpRequest, access: Access, product: Product, *, trouble: str = "", started: bool = False
) -> HttpResponse:
    """The panel, or the whole page where nobody asked for a part."""
    if not is_fragment(request):
        return redirect("dashboard:product", access.merchant.slug, product.public_id)
    shown = {**panel_context(access, product), "trouble": trouble, "oob": True}
    response = page(request, access, "dashboard/product_model.html", shown)
    if started:
        response.headers["HX-Trigger-After-Swap"] = STARTED
    return response


def find_job(product: Product, job_id: str) -> AssetJob:
    """The product's job with that id. Raises Http404."""
    job: AssetJob = get_object_or_404(product.jobs.select_related("product", "version"), public_id=job_id)
    return job


def read_recipe(form: QueryDict) -> tuple[Recipe, dict[str, str]]:
    """(what the form asks for, what is wrong with which field)."""
    errors: dict[str, str] = {}
    few, many = FEWEST_TRIANGLES, MOST_TRIANGLES
    triangles = _number(form, "triangles", few, many, f"Between {few:,} and {many:,}, or empty.", errors)
    size = _number(form, "texture_size", 1, max(TEXTURE_SIZES), "Choose one of the sizes.", errors)
    if size is not None and size not in TEXTURE_SIZES:
        errors["texture_size"] = "Choose one of the sizes."
    seed = _number(form, "seed", 0, LARGEST_SEED, "A whole number, or empty.", errors)
    recipe = Recipe(
        generator=form.get("generator", "auto") or "auto",
        quality=form.get("quality", "standard") or "standard",
        profiles=tuple(dict.fromkeys(form.getlist("profiles")))[:8],
        triangles=None if "triangles" in errors else triangles,
        texture_size=None if "texture_size" in errors else size,
        seed=seed or 0,
        auto_publish=form.get("auto_publish") == "yes",
    )
    return recipe, errors


def _number(form: QueryDict, name: str, least: int, most: int, otherwise: str, errors: dict[str, str]) -> int | None:
    text = form.get(name, "").strip().replace(" ", "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and least <= int(text) <= most):
        errors[name] = otherwise
        return None
    return int(text)
