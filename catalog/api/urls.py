"""/api/v1/ -> views; each module lists its own `routes`"""

from django.urls import URLPattern, re_path

from catalog.api import (
    docs,
    edits,
    events,
    generators,
    jobs,
    keys,
    me,
    merchant,
    photos,
    products,
    uploads,
    usage,
    versions,
)
from catalog.api.errors import not_found

routes: list[URLPattern] = [
    *products.routes,  # before those that follow a product's id: a SKU may be called "photos"
    *photos.routes,
    *jobs.routes,
    *events.routes,
    *versions.routes,
    *edits.routes,
    *uploads.routes,
    *usage.routes,
    *generators.routes,
    *me.routes,
    *merchant.routes,
    *keys.routes,
    *docs.routes,
]

urlpatterns = [*routes, re_path("", not_found)]
"""The last one answers, in the API's shape, for addresses that are none."""
