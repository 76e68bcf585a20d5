"""Puts the parts together when Django starts."""

from django.apps import AppConfig


class InfraConfig(AppConfig):
    """Commands of the installation; connects dramatiq to the broker of the settings."""

    name = "infra"
    verbose_name = "Installation"

    def ready(self) -> None:
        import dramatiq
        from django.conf import settings

        from infra.broker import make_broker

        dramatiq.set_broker(make_broker(settings.BROKER_URL.reveal()))
