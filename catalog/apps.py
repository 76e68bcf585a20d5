"""The catalogue's Django app."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Merchants, products, photos, jobs, versions and what tells shops about them."""

    name = "catalog"
    verbose_name = "Catalogue"
