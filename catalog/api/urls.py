"""/api/v1/ -> views; each module lists its own `routes`"""

from django.urls import URLPattern, re_path

from catalog.api import me
from catalog.api.errors import not_found

routes: list[URLPattern] = [*me.routes]

urlpatterns = [*routes, re_path("", not_found)]
"""The last one answers, in the API's shape, for addresses that are none."""
