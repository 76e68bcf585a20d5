"""URL -> view, for the whole site"""

from django.conf import settings
from django.urls import include, path

from catalog.admin import site as staff_site
from infra import demo_shop
from infra.health import healthz, readyz
from infra.metrics import metrics

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("api/v1/", include("catalog.api.urls")),
    path("s/", include("catalog.api.storefront")),
    path("", include("catalog.embed.urls")),
    *(demo_shop.urlpatterns if settings.ENV.demo else ()),
    path("staff/", staff_site.urls),
    path("", include("dashboard.urls")),
]

handler400 = "catalog.api.errors.bad_request"
handler403 = "dashboard.errors.forbidden"
handler404 = "dashboard.errors.not_found"
handler500 = "catalog.api.errors.server_error"
