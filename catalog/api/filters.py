"""query parameters -> conditions of a list"""

from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField


class MomentField(IsoDateTimeField):
    """A moment that every database can compare with."""

    def clean(self, value: Any) -> Any:
        try:
            moment = super().clean(value)
            return moment.astimezone(UTC) if isinstance(moment, datetime) else moment
        except OverflowError:
            raise ValidationError("This is beyond the calendar.") from None


class SinceFilter(filters.IsoDateTimeFilter):
    """Rows whose moment is that one or later."""

    field_class = MomentField

    def __init__(self, field_name: str, **options: Any) -> None:
        super().__init__(field_name, lookup_expr="gte", **options)
