"""URL -> page"""

from django.urls import URLPattern, URLResolver, include, path

from dashboard import analytics, forgotten, home, importing, keys, products, shop, signing_in, team

app_name = "dashboard"

of_a_shop: list[URLPattern | URLResolver] = [
    path("products/", products.products, name="products"),
    path("products/new", products.new, name="product-new"),
    path("products/bulk", products.bulk, name="product-bulk"),
    path("products/live", products.live, name="product-live"),
    path("products/import", importing.choose, name="product-import"),
    path("products/import/apply", importing.apply, name="product-apply"),
    path("products/import/problems", importing.problems, name="product-problems"),
    path("products/import/template.csv", importing.template, name="product-template"),
    path("products/<str:product_id>/", include("dashboard.product.urls")),
    path("products/<str:product_id>/", include("dashboard.review.urls")),
    path("analytics", analytics.analytics, name="analytics"),
    path("analytics/<str:product_id>", analytics.product, name="analytics-product"),
    path("team", team.team, name="team"),
    path("team/invite", team.invite_somebody, name="team-invite"),
    path("team/invitations/<str:invitation_id>/withdraw", team.withdraw, name="team-withdraw"),
    path("team/members/<int:user_id>", team.change, name="team-change"),
    path("keys", keys.keys, name="keys"),
    path("keys/<str:key_id>/revoke", keys.revoke, name="key-revoke"),
    path("settings", shop.settings, name="settings"),
    path("settings/delete", shop.delete, name="shop-delete"),
]

urlpatterns = [
    path("", home.home, name="home"),
    path("shops/", home.shops, name="shops"),
    path("sign-in", signing_in.sign_in, name="sign-in"),
    path("sign-out", signing_in.sign_out, name="sign-out"),
    path("password", signing_in.password, name="password"),
    path("password/forgotten", forgotten.forgotten, name="forgotten"),
    path("password/another/<str:person>/<str:token>", forgotten.another, name="another-password"),
    path("invitations/<str:token>", team.invitation, name="invitation"),
    path("shops/<slug:slug>/", include(of_a_shop)),
]
