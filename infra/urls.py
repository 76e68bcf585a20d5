"""URL -> view, for the whole site"""

from django.urls import path

from infra.health import healthz, readyz
from infra.metrics import metrics

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
