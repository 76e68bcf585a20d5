"""a change that its caller wants only while the row is still as they know it

Functions that change a row take a `Check`: they lock the row, show it to the check, and change it then, all in one
transaction. So of two callers who know the same state exactly one succeeds, and for the other nothing has changed.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from catalog.errors import LostRace
from catalog.models import Product

Check = Callable[[Any], object]
"""Gets the locked row, or None when it is gone; raises whatever forbids the change."""

Row = TypeVar("Row", bound=Model)


def anything(row: Any) -> None:
    """For callers who want the change whatever the row is like."""


def at_revision(revision: int) -> Check:
    """For callers who have read the product at that revision; raises LostRace at any other."""

    def check(product: Product | None) -> None:
        if product is None or product.revision != revision:
            raise LostRace(f"the product is no longer at revision {revision}")

    return check


def lock(rows: QuerySet[Row], check: Check) -> Row | None:
    """The first of `rows`, locked until the transaction ends and checked; None when it is gone.

    Others may still write rows that refer to it.
    """
    row = rows.select_for_update(no_key=True).first()
    check(row)
    return row


def lock_there(rows: QuerySet[Row], check: Check) -> Row:
    """The same for what cannot be done without it. Raises LostRace when it is gone."""
    row = lock(rows, check)
    if row is None:
        raise LostRace(f"the {rows.model._meta.verbose_name} has been deleted")
    return row
