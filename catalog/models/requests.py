"""Answers kept for requests that are sent twice."""

from django.db import models

from catalog.models.merchants import Merchant


class IdempotentRequest(models.Model):
    """A POST with an `Idempotency-Key`, and the answer to give again. status is None while the first is in flight.

    fingerprint: sha256 of method, path and body.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="idempotent_requests")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "key"], name="idempotency_key_once_per_merchant")]

    def __str__(self) -> str:
        return self.key
