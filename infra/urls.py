"""URL -> view, for the whole site"""

from django.conf import settings
from django.urls import path

from infra import demo_page
from infra.health import healthz, readyz
from infra.metrics import metrics

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
if settings.ENV.demo:
    urlpatterns += demo_page.urlpatterns
