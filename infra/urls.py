"""URL -> view, for the whole site"""

from django.urls import path

from infra.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
]
