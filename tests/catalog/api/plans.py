"""How SQLite goes about a query; PostgreSQL's plans depend on how much there is, so tests cannot tell"""

from django.db import connection


def explain(sql: str) -> str:
    """One line for each step of the plan."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return "\n".join(row[3] for row in cursor.fetchall())
