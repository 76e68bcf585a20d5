"""A shop's products: found, ticked, made new"""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog.bulk import do_to_products
from catalog.errors import Refused
from catalog.facts import SIDES, free_sku, read_facts
from catalog.lengths import UNITS
from catalog.products import create_product
from catalog.shelf import ROWS, STATES, Sought, browse, rows_of
from dashboard.access import Access, is_fragment, member_page, page

LONGEST_SEARCH = 200


@require_safe
@member_page
def products(request: HttpRequest, access: Access) -> HttpResponse:
    """The list; for HTMX, only what changes when somebody searches."""
    sought = read_sought(request.GET)
    shelf = browse(access.merchant, sought)
    context = {
        "sought": sought,
        "states": STATES,
        "shelf": shelf,
        "alive": [row for row in shelf.rows if row.alive],
        "filtered": bool(sought.words or sought.state or sought.archived),
        "older": address(sought, older=shelf.older) if shelf.older else "",
        "newer": address(sought, newer=shelf.newer) if shelf.newer else "",
    }
    part = is_fragment(request) and request.headers.get("HX-Target") == "shelf"
    response = page(request, access, "dashboard/_shelf.html" if part else "dashboard/products.html", context)
    response.headers["Vary"] = "HX-Request, HX-Target, Cookie"
    return response


@require_safe
@member_page
def live(request: HttpRequest, access: Access) -> HttpResponse:
    """How far the models are that the page saw being made; asked again and again while some are."""
    request.quiet = True  # type: ignore[attr-defined]
    wanted = request.GET.getlist("id")[:ROWS]
    rows = rows_of(list(access.merchant.products.filter(public_id__in=wanted)))
    context = {"rows": rows, "alive": [row for row in rows if row.alive]}
    return page(request, access, "dashboard/_live.html", context)


@require_POST
@member_page(writes=True)
def bulk(request: HttpRequest, access: Access) -> HttpResponse:
    """Do one thing to the ticked products and say what came of it; deletion asks first."""
    action, wanted = request.POST.get("action", ""), request.POST.getlist("id")
    if not wanted:
        messages.warning(request, "Tick the products first, then choose what to do with them.")
        return redirect("dashboard:products", access.merchant.slug)
    if action == "delete" and request.POST.get("confirmed") != "yes":
        chosen = access.merchant.products.filter(public_id__in=wanted[:ROWS])
        return page(request, access, "dashboard/products_delete.html", {"chosen": chosen})
    outcomes = do_to_products(access.merchant, wanted, action)
    context = {"outcomes": outcomes, "done": sum(outcome.done for outcome in outcomes), "deleted": action == "delete"}
    return page(request, access, "dashboard/products_bulk.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page(writes=True)
def new(request: HttpRequest, access: Access) -> HttpResponse:
    """A form for one product; then on to its photos."""
    typed = {name: request.POST.get(name, "") for name in ("title", "sku", "category", "tags", "unit", *SIDES)}
    errors: Mapping[str, str] = {}
    if request.method == "POST":
        if typed["title"].strip() and not typed["sku"].strip():
            typed["sku"] = free_sku(access.merchant, typed["title"])
        try:
            made = create_product(access.merchant, read_facts(typed, unit=typed["unit"]))
            return redirect("dashboard:product", access.merchant.slug, made.public_id)
        except Refused as error:
            taken = {"sku": "Another product has this SKU."} if error.code == "sku_taken" else error.fields
            errors = taken or {"title": error.message}
    context = {
        "typed": typed,
        "errors": errors,
        "units": list(UNITS),
        "sides": [(s, typed[s], errors.get(s)) for s in SIDES],
    }
    return page(request, access, "dashboard/product_new.html", context, status=422 if errors else 200)


def read_sought(query: QueryDict) -> Sought:
    """What the address asks for; unknown states count as none."""
    state = query.get("state", "")
    return Sought(
        words=query.get("q", "").replace("\0", "")[:LONGEST_SEARCH].strip(),
        state=state if state in STATES else "",
        archived=query.get("archived") == "yes",
        older=query.get("older", ""),
        newer=query.get("newer", ""),
    )


def address(sought: Sought, *, older: str = "", newer: str = "") -> str:
    """The query of another page of the same search."""
    asked = {
        "q": sought.words,
        "state": sought.state,
        "archived": "yes" if sought.archived else "",
        "older": older,
        "newer": newer,
    }
    return "?" + urlencode({name: value for name, value in asked.items() if value})
