"""A database that refuses one sort of write for a while"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def stuck(operation: str, table: str, when: str = "1 = 1") -> Iterator[None]:
    """Every INSERT or DELETE (`operation`) of `table` fails where the row, NEW or OLD, fulfils `when`."""
    row = "OLD" if operation == "DELETE" else "NEW"
    condition = when.replace("ROW", row)
    if connection.vendor == "sqlite":
        start = (
            f"CREATE TRIGGER stuck BEFORE {operation} ON {table} WHEN {condition} BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        end = "DROP TRIGGER stuck"
    else:
        start = (
            "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'no'; END $$ LANGUAGE plpgsql; "
            f"CREATE TRIGGER stuck BEFORE {operation} ON {table} FOR EACH ROW "
            f"WHEN ({condition}) EXECUTE FUNCTION refuse()"
        )
        end = f"DROP TRIGGER stuck ON {table}; DROP FUNCTION refuse()"
    with connection.cursor() as cursor:
        cursor.execute(start)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(end)
