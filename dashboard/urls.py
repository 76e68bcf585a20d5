"""URL -> page"""

from django.urls import URLPattern, URLResolver, include, path

from dashboard import home, products, signing_in

app_name = "dashboard"

shop: list[URLPattern | URLResolver] = [
    path("products/", products.products, name="products"),
    path("products/new", products.new, name="product-new"),
    path("products/bulk", products.bulk, name="product-bulk"),
    path("products/live", products.live, name="product-live"),
    path("products/import", products.new, name="product-import"),
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
