"""a version -> a job that makes it anew with another surface, or facing another way, without generating anything"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from catalog.errors import Conflict, Invalid
from catalog.jobs import queue_job
from catalog.models import AssetJob, AssetVersion, Group, Kind
from catalog.queue import CPU
from catalog.recipe import Recipe
from catalog.storage import storage
from catalog.versions import refuse_archived

NEEDED = ("model.glb", "report.json")
"""Files of a version without which it cannot be edited."""

LAYS = ("", "x90", "x-90", "x180", "z90", "z-90", "z180")
"""How a product may be laid: about which axis, by how many degrees."""

TINT = re.compile(r"|#[0-9a-fA-F]{6}")
LARGEST_TURN = 359


@dataclass(frozen=True)
class Edits:
    """What becomes different; what is None, empty or 0 stays.

    roughness, metallic: the mean of the surface, 0..1. tint: "#rrggbb", multiplied in linear light. lay: stands the
    product up: "x90" turns it about +X by 90 degrees, so that its top comes to the front. turn_degrees: then about +Y;
    90 brings what faced the front to the right.
    """

    roughness: float | None = None
    metallic: float | None = None
    tint: str | None = None
    turn_degrees: int = 0
    lay: str = ""

    def as_json(self) -> dict[str, Any]:
        """What becomes different alone; `from_json` reads it back."""
        nothing = asdict(Edits())
        return {name: value for name, value in asdict(self).items() if value not in (nothing[name], "")}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Edits":
        """The edits of a row or a request, checked. Raises Invalid."""
        known = {each.name for each in fields(cls)}
        if unknown := sorted(set(stored) - known):
            raise _bad(unknown[0], f"There is no edit {unknown[0]!r}.")
        given = {name: value for name, value in stored.items() if value is not None}
        if isinstance(given.get("tint"), str):
            given["tint"] = given["tint"].lower()
        edits = cls(**given)
        edits.check()
        return edits

    def check(self) -> None:
        """Raises Invalid, naming the field, when a value will not do."""
        for name, share in (("roughness", self.roughness), ("metallic", self.metallic)):
            number = isinstance(share, int | float) and not isinstance(share, bool)
            if share is not None and not (number and 0 <= share <= 1):
                raise _bad(name, f"{name} is a number from 0 to 1.")
        if self.tint is not None and not (isinstance(self.tint, str) and TINT.fullmatch(self.tint)):
            raise _bad("tint", "A tint is a colour such as #c0a080.")
        whole = isinstance(self.turn_degrees, int) and not isinstance(self.turn_degrees, bool)
        if not whole or abs(self.turn_degrees) > LARGEST_TURN:
            raise _bad("turn_degrees", f"turn_degrees is a whole number from -{LARGEST_TURN} to {LARGEST_TURN}.")
        if self.lay not in LAYS:
            raise _bad("lay", f"lay is one of {', '.join(filter(None, LAYS))}, or empty.")


def request_edit(version: AssetVersion, edits: Edits, *, request_id: str = "") -> AssetJob:
    """Queue a job that makes a new version of `version`, changed by `edits`; somebody looks at it before it is shown.

    Raises Invalid ("bad_value", "nothing_to_change"), Conflict ("product_archived", "files_missing",
    "already_running"), or Away.
    """
    edits.check()
    if not edits.as_json():
        raise Invalid("nothing_to_change", "Nothing is to be changed: move a slider or turn the model first.")
    refuse_archived(version.product)
    _refuse_without_files(version)
    before = AssetJob.objects.filter(version=version).first()
    recipe = Recipe() if before is None else Recipe.from_json({**before.recipe, "auto_publish": False})
    return queue_job(
        version.product,
        recipe,
        request_id=request_id,
        kind=Kind.EDIT,
        source_version=version,
        edits=edits.as_json(),
        group=Group.FINISH,
        queue=CPU,
        generator=version.generator,
        generator_why=f"An edit of version {version.number}.",
    )


def _refuse_without_files(version: AssetVersion) -> None:
    keys = {file["name"]: file["key"] for file in version.files}
    try:
        for name in NEEDED:
            storage().stat(keys[name])
    except KeyError:
        raise Conflict("files_missing", "Files of this version are gone: ask for a new one.") from None


def _bad(field: str, message: str) -> Invalid:
    return Invalid("bad_value", message, {field: message})
