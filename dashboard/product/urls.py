"""URL under a product -> its page"""

from django.urls import path

from dashboard.product import overview

urlpatterns = [path("", overview.overview, name="product")]
