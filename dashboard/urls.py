"""URL -> page"""

from django.urls import URLPattern, URLResolver, include, path

from dashboard import home, signing_in

app_name = "dashboard"

shop: list[URLPattern | URLResolver] = [
    path("products/", home.products, name="products"),
    path("products/<str:product_id>/", include("dashboard.product.urls")),
    path("products/<str:product_id>/", include("dashboard.review.urls")),
]

urlpatterns = [
    path("", home.home, name="home"),
    path("shops/", home.shops, name="shops"),
    path("sign-in", signing_in.sign_in, name="sign-in"),
    path("sign-out", signing_in.sign_out, name="sign-out"),
    path("shops/<slug:slug>/", include(shop)),
]
