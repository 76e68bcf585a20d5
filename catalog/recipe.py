"""What a job is asked to make, as the catalogue holds it; the worker turns it into stage options."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """A job's request. None: whatever the quality level says.

    generator, quality, profiles: names that workers advertise. auto_publish: publish without asking where grade and
    certificate allow it.
    """

    generator: str = "auto"
    quality: str = "standard"
    profiles: tuple[str, ...] = ()
    triangles: int | None = None
    texture_size: int | None = None
    seed: int = 0
    auto_publish: bool = False

    def as_json(self) -> dict[str, Any]:
        """For the job's row; `from_json` reads it back."""
        return asdict(self) | {"profiles": list(self.profiles)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Recipe":
        """The recipe of a job's row."""
        return cls(**{**stored, "profiles": tuple(stored.get("profiles", ()))})
