"""URL -> view, for the whole site"""

from django.conf import settings
from django.urls import include, path

from infra import demo_page
from infra.health import healthz, readyz
from infra.metrics import metrics

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("api/v1/", include("catalog.api.urls")),
    path("s/", include("catalog.api.storefront")),
]
if settings.ENV.demo:
    urlpatterns += demo_page.urlpatterns

handler400 = "catalog.api.errors.bad_request"
handler500 = "catalog.api.errors.server_error"
