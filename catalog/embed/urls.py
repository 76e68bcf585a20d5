"""URL -> view"""

from django.urls import path

from catalog.embed.beacon import happened
from catalog.embed.frame import frame
from catalog.embed.script import embed_js

urlpatterns = [
    path("embed.js", embed_js, name="embed-js"),
    path("e/<str:public_id>", frame, name="embed-frame"),
    path("t", happened, name="happened"),
]
