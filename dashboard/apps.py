"""The dashboard's Django app."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """Pages for merchants; every rule behind them lives in `catalog`."""

    name = "dashboard"
    verbose_name = "Dashboard"
