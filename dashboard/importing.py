"""A table of products: shown as what it would change, then imported"""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog.errors import Invalid
from catalog.importing import (
    CHANGED,
    MOST_ROWS,
    NEW,
    SAME,
    TEMPLATE,
    WRONG,
    Plan,
    apply_plan,
    plan_import,
    rows_with,
)
from catalog.lengths import UNITS
from catalog.tables import MOST_BYTES, decode, write_table
from dashboard.access import Access, member_page, page

SHOWN = 100
"""Rows of each kind in a preview: enough to see whether the columns were understood."""


@require_http_methods(["GET", "HEAD", "POST"])
@member_page(writes=True)
def choose(request: HttpRequest, access: Access) -> HttpResponse:
    """Ask for a table; show what it would change."""
    if request.method != "POST":
        return _form(request, access, "")
    unit = request.POST.get("unit", "")
    try:
        text = _table(request)
        plan = plan_import(access.merchant, text, unit=unit)
    except Invalid as error:
        return _form(request, access, error.message, text=request.POST.get("text", ""), unit=unit)
    return page(request, access, "dashboard/import_preview.html", {"text": text, "unit": unit, **_counts(plan)})


@require_POST
@member_page(writes=True)
def apply(request: HttpRequest, access: Access) -> HttpResponse:
    """Import what is right in the table that the preview showed."""
    text, unit = request.POST.get("text", ""), request.POST.get("unit", "")
    try:
        plan = plan_import(access.merchant, text, unit=unit)
    except Invalid as error:
        return _form(request, access, error.message, text=text, unit=unit)
    done = Plan(plan.header, plan.ignored, apply_plan(access.merchant, plan))
    return page(request, access, "dashboard/import_done.html", {"unit": unit, **_counts(done)})


@require_POST
@member_page(writes=True)
def problems(request: HttpRequest, access: Access) -> HttpResponse:
    """The rows that will not do, as a table to mend and import again."""
    return _download(request.POST.get("text", ""), "rows-with-problems.csv")


@require_safe
@member_page
def template(request: HttpRequest, access: Access) -> HttpResponse:
    """A table with the columns' names and one product."""
    return _download(write_table(TEMPLATE), "products.csv")


def _table(request: HttpRequest) -> str:
    """What was chosen or pasted, as text. Raises Invalid."""
    file = request.FILES.get("file")
    if file is None:
        return request.POST.get("text", "")
    if file.size is None or file.size > MOST_BYTES:
        message = f"The file is too large: {MOST_BYTES / 1e6:.1g} MB at most. Split it into several."
        raise Invalid("bad_value", message, {"table": message})
    return decode(file.read())


def _form(request: HttpRequest, access: Access, error: str, *, text: str = "", unit: str = "") -> HttpResponse:
    context = {"error": error, "text": text, "unit": unit, "units": list(UNITS), "most_rows": MOST_ROWS}
    return page(request, access, "dashboard/import.html", context, status=422 if error else 200)


def _counts(plan: Plan) -> dict[str, object]:
    wrong = plan.of_kind(WRONG)
    return {
        "plan": plan,
        "kinds": [
            (NEW, "new", plan.of_kind(NEW)[:SHOWN], len(plan.of_kind(NEW))),
            (CHANGED, "changed", plan.of_kind(CHANGED)[:SHOWN], len(plan.of_kind(CHANGED))),
        ],
        "right": len(plan.of_kind(NEW, CHANGED)),
        "new": len(plan.of_kind(NEW)),
        "changed": len(plan.of_kind(CHANGED)),
        "same": len(plan.of_kind(SAME)),
        "wrong": wrong[:SHOWN],
        "wrong_count": len(wrong),
        "problems": write_table(rows_with(wrong, plan.header)) if wrong else "",
        "shown": SHOWN,
    }


def _download(text: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)
