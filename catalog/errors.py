"""What catalogue functions refuse to do, each with a stable code and one clear sentence.

CatalogError
├── Refused            the request will not do: the caller acts
│   ├── Invalid        a value is wrong; `fields` says which
│   ├── Conflict       it does not go with the state of things
│   └── Forbidden      the caller may read this, but not change it
├── Away               store or broker are away: time acts
├── LostRace           somebody else moved the row first; nothing has changed
└── IllegalTransition  our bug
"""

from collections.abc import Mapping


class CatalogError(Exception):
    """Base of everything this package raises on purpose."""


class Refused(CatalogError):
    """The request will not do. `code` is API and never changes; `message` is one sentence."""

    def __init__(self, code: str, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.fields = dict(fields or {})


class Invalid(Refused):
    """A value is wrong."""


class Conflict(Refused):
    """It does not go with the state of things."""


class Forbidden(Refused):
    """The caller may see this, but not change it."""


class Away(CatalogError):
    """The store or the broker is away or full for now."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class LostRace(CatalogError):
    """Somebody else moved the row first; nothing has changed."""


class IllegalTransition(CatalogError):
    """A status that the table does not lead to: our bug."""
