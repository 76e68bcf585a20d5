"""URL under a product -> its versions' pages"""

from django.urls import path

from dashboard.review import overview

urlpatterns = [path("versions/<str:version_id>/", overview.overview, name="version")]
