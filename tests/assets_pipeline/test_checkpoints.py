"""Checkpoints give back what they were given, and take nothing else for one of theirs."""

import io
import json
import random
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assets_pipeline import checkpoints
from assets_pipeline.asset import (
    Advice,
    Asset,
    Camera,
    Cutout,
    Hints,
    Material,
    Mesh,
    Photo,
    PhotoFile,
    RawShape,
    StageRecord,
    View,
    frozen,
)
from assets_pipeline.checkpoints import DamagedCheckpoint, checkpoint_key, from_bytes, to_bytes
from tests.models import mug_asset


def random_asset(seed: int) -> Asset:
    """An asset in which each field is there or not, with values that a lazy format would blur."""
    told, numbers = random.Random(seed), np.random.default_rng(seed)

    def maybe(value: Any) -> Any:
        return value if told.random() < 0.7 else None

    def array(shape: tuple[int, ...], dtype: Any) -> Any:
        if np.dtype(dtype).kind == "f":
            values = numbers.normal(size=shape).astype(dtype)
            values.flat[:3] = [np.nan, -0.0, np.inf][: values.size]
            return frozen(values)
        return frozen(numbers.integers(0, 255, shape).astype(dtype))

    n, m, h, w = told.randrange(4, 40), told.randrange(0, 40), told.randrange(1, 30), told.randrange(1, 30)
    mesh = Mesh(
        array((n, 3), np.float32),
        array((m, 3), np.uint32),
        texcoords=maybe(array((n, 2), np.float32)),
        normals=maybe(array((n, 3), np.float32)),
        colors=maybe(array((n, 4), np.uint8)),
    )
    camera = Camera(array((3, 3), np.float64), array((3,), np.float64), told.random() * 1e3, w, h)
    view = told.choice([None, *View])
    counts = {
        "photos": told.randrange(9), "share": told.random(), "exact": np.float32(0.1), "many": np.int64(2**40),
        "nothing": None, "nested": {"a": [1, 2.5, "ä\u2028\ud800"], "b": (), "c": {"view": View.TOP}},
        "row": array((5,), np.int16), "yes": True,
    }  # fmt: skip
    return Asset(
        photo_files=(PhotoFile("ünïcode \n.jpg", numbers.bytes(told.randrange(200)), view),),
        hints=Hints("Lamp", "", told.random(), None, 1),
        photos=(
            Photo("a", array((h, w, 3), np.uint8), maybe(array((h, w), np.uint8)), "00", (w, h), maybe(3.5), view),
        ),
        advice=(Advice("code", "text"),) * told.randrange(3),
        cutouts=(Cutout("a", array((h, w, 4), np.uint8), None, view, told.random(), 1e-300, "u2net"),),
        raw=maybe(RawShape(mesh, "primitive", cameras=(camera, None), shaped_from=(0, 1), parameters=counts)),
        highpoly=maybe(mesh),
        cameras=(None, camera),
        material=maybe(Material(array((h, w, 3), np.uint8), occlusion=maybe(array((h, w), np.uint8)))),
        unseen=maybe(told.random()),
        files={"model.glb": numbers.bytes(300), "empty": b""},
        certificate=maybe(counts),
        provenance=(StageRecord("Inspect()", counts),),
    )


def assert_same(one: object, other: object) -> None:
    """Equal in every type, bit and order."""
    assert type(one) is type(other), (one, other)
    if isinstance(one, np.ndarray):
        assert isinstance(other, np.ndarray)
        assert (one.shape, one.dtype, one.tobytes()) == (other.shape, other.dtype, other.tobytes())
    elif is_dataclass(one):
        for field in fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, Mapping) and isinstance(other, Mapping):
        assert_same(list(one.items()), list(other.items()))
    elif isinstance(one, tuple | list) and isinstance(other, tuple | list):
        assert len(one) == len(other)
        for mine, theirs in zip(one, other, strict=True):
            assert_same(mine, theirs)
    else:
        assert repr(one) == repr(other)  # tells -0.0 from 0.0, and takes nan for nan


def arrays_in(value: object) -> list[Any]:
    if isinstance(value, np.ndarray):
        return [value]
    if is_dataclass(value):
        return [array for field in fields(value) for array in arrays_in(getattr(value, field.name))]
    if isinstance(value, tuple | list):
        return [array for item in value for array in arrays_in(item)]
    return arrays_in(list(value.values())) if isinstance(value, Mapping) else []


@pytest.mark.parametrize("seed", range(40))
def test_what_goes_in_comes_out(seed: int) -> None:
    asset = random_asset(seed)
    read = from_bytes(to_bytes(asset))
    assert_same(read, asset)
    for array in arrays_in(read):
        assert array.flags.c_contiguous and not array.flags.writeable


@pytest.mark.parametrize("asset", [Asset(), mug_asset()], ids=["empty", "mug"])
def test_whole_assets_survive(asset: Asset) -> None:
    assert_same(from_bytes(to_bytes(asset)), asset)


def test_equal_assets_give_equal_bytes() -> None:
    assert to_bytes(random_asset(3)) == to_bytes(random_asset(3))
    assert to_bytes(random_asset(3)) != to_bytes(random_asset(4))


def test_an_array_that_two_values_share_is_kept_once() -> None:
    noise = frozen(np.random.default_rng(0).integers(0, 255, (200, 200, 4)).astype(np.uint8))
    one = Asset(cutouts=(Cutout("a", noise),))
    two = replace(one, cutouts=(Cutout("a", noise), Cutout("b", noise)))
    assert len(to_bytes(two)) < 1.1 * len(to_bytes(one))


def test_members_are_plain_npy_files() -> None:
    asset = mug_asset()
    with zipfile.ZipFile(io.BytesIO(to_bytes(asset))) as archive:
        names = archive.namelist()
        assert names[0] == "asset.json"
        for name in names[1:]:
            np.load(io.BytesIO(archive.read(name)), allow_pickle=False)


@pytest.mark.parametrize(
    "value",
    [object(), {1, 2}, Path("x"), np.array(["text"]), np.array([object()]), 1 + 2j],
    ids=lambda v: type(v).__name__,
)
def test_what_is_no_value_of_ours_is_refused_at_once(value: object) -> None:
    with pytest.raises(TypeError):
        to_bytes(Asset(certificate={"odd": value}))


@pytest.mark.parametrize(
    "asset",
    [
        Asset(files={7: b""}),  # type: ignore[dict-item]
        Asset(unseen="much"),  # type: ignore[arg-type]
        Asset(highpoly=Mesh(np.zeros((3, 3)), np.zeros((1, 3), np.uint32))),
    ],
)
def test_what_could_not_be_read_back_is_not_written(asset: Asset) -> None:
    with pytest.raises(TypeError, match="could not be read back"):
        to_bytes(asset)


@pytest.fixture(scope="module")
def whole() -> bytes:
    return to_bytes(random_asset(1))


def test_no_cut_goes_unnoticed(whole: bytes) -> None:
    for length in {0, 1, 2, 30, *range(50, len(whole), max(1, len(whole) // 97)), len(whole) - 1}:
        with pytest.raises(DamagedCheckpoint):
            from_bytes(whole[:length])


def test_damage_is_noticed_or_harmless(whole: bytes) -> None:
    """Every byte counts but the few that a zip holds twice or not at all, such as dates."""
    asset, told, noticed = from_bytes(whole), random.Random(5), 0
    for _ in range(400):
        damaged = bytearray(whole)
        damaged[told.randrange(len(whole))] ^= 1 << told.randrange(8)
        try:
            read = from_bytes(bytes(damaged))
        except DamagedCheckpoint:
            noticed += 1
        else:
            assert_same(read, asset)
    assert noticed > 200


def rewritten(data: bytes, **members: bytes) -> bytes:
    """The checkpoint with other members, dots in names given as `__`."""
    stream = io.BytesIO()
    new = {name.replace("__", "."): content for name, content in members.items()}
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in old.namelist():
            archive.writestr(name, new.get(name, old.read(name)))
    return stream.getvalue()


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


class Trap:
    """Pickled arrays run what this says when they are read carelessly."""

    sprung = False

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        return Trap.spring, ()

    @staticmethod
    def spring() -> None:
        Trap.sprung = True


def asset_json(**asset_fields: Any) -> bytes:
    """The JSON of an empty asset with some fields written by somebody else."""
    with zipfile.ZipFile(io.BytesIO(to_bytes(Asset()))) as archive:
        contents = json.loads(archive.read("asset.json"))
    contents["asset"]["$value"][1].update(asset_fields)
    return json.dumps(contents).encode()


FOREIGN = {
    "text": b"hello",
    "an empty zip": b"PK\x05\x06" + bytes(18),
    "gzip": zlib.compress(b"x" * 100),
}
CONTENTS = {
    "no json": b"\xff\xfe",
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "another format": b'{"format": 0, "asset": null}',
    "no asset": b'{"format": 1, "asset": {"$value": ["Hints", {"title": "", "category": "", "width": null, '
    b'"height": null, "depth": null}]}}',
    "an unknown class": b'{"format": 1, "asset": {"$value": ["Popen", {"args": "true"}]}}',
    "a dunder": b'{"format": 1, "asset": {"$value": ["__builtins__", {}]}}',
    "an unknown marker": b'{"format": 1, "asset": {"$eval": "1"}}',
    "two markers": b'{"format": 1, "asset": {"$map": [], "$list": []}}',
    "too few fields": b'{"format": 1, "asset": {"$value": ["Asset", {}]}}',
    "a field too many": asset_json(extra=1),
    "a text for a tuple": asset_json(photos="abc"),
    "numbers for photos": asset_json(photos={"$tuple": [1, 2]}),
    "an unknown view": asset_json(unseen={"$enum": ["View", "inside"]}),
    "a flag for a number": asset_json(unseen=True),
    "a missing member": asset_json(unseen={"$number": 99}),
    "a path for a member": asset_json(unseen={"$number": "../0"}),
    "an unhashable key": asset_json(files={"$map": [[{"$list": []}, 1]]}),
}
MEMBERS = {
    "pickled objects": npy(np.array([Trap()], dtype=object)),
    "texts": npy(np.array(["a"])),
    "a structure": npy(np.zeros(2, [("a", np.uint8)])),
    "another order": npy(np.asfortranarray(np.zeros((3, 4), np.float32))),
    "no array": b"hello",
    "code in the header": b"\x93NUMPY\x01\x00v\x00" + b"__import__('os').abort()".ljust(117) + b"\n",
    "a shape beyond its bytes": npy(np.zeros(4, np.uint8)).replace(b"(4,)", b"(9999999999999,)", 1),
}


@pytest.mark.parametrize("data", FOREIGN.values(), ids=FOREIGN.keys())
def test_foreign_bytes_are_no_checkpoint(data: bytes) -> None:
    with pytest.raises(DamagedCheckpoint):
        from_bytes(data)


@pytest.mark.parametrize("contents", CONTENTS.values(), ids=CONTENTS.keys())
def test_foreign_contents_are_no_asset(contents: bytes, whole: bytes) -> None:
    with pytest.raises(DamagedCheckpoint):
        from_bytes(rewritten(whole, asset__json=contents))


@pytest.mark.parametrize("member", MEMBERS.values(), ids=MEMBERS.keys())
def test_foreign_members_are_no_arrays(member: bytes, whole: bytes) -> None:
    data = rewritten(whole, **{"0__npy": member, "1__npy": member})
    with pytest.raises(DamagedCheckpoint):
        from_bytes(data)
    assert not Trap.sprung


def test_sizes_are_looked_at_before_anything_is_unpacked(monkeypatch: pytest.MonkeyPatch, whole: bytes) -> None:
    bomb = rewritten(whole, asset__json=bytes(60_000_000))
    assert len(bomb) < 200_000
    monkeypatch.setattr(checkpoints, "MAX_BYTES", 50_000_000)
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("unpacked"))
    with pytest.raises(DamagedCheckpoint, match="unpack to"):
        from_bytes(bomb)


PHOTOS = [("a.jpg", View.FRONT, "00"), ("b.jpg", None, "11")]
HINTS = Hints("Lamp", "lamp", height=0.4)


def test_the_key_is_stable_and_a_hash() -> None:
    key = checkpoint_key(["Inspect()"], PHOTOS, HINTS)
    assert key == checkpoint_key(iter(["Inspect()"]), tuple(PHOTOS), replace(HINTS))
    assert len(key) == 64 and set(key) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("stages", "photos", "hints"),
    [
        (["Inspect()", "Segment()"], PHOTOS, HINTS),
        (["Inspect(side=1)"], PHOTOS, HINTS),
        (["Inspect()"], PHOTOS[::-1], HINTS),
        (["Inspect()"], PHOTOS[:1], HINTS),
        (["Inspect()"], [("a.jpg", View.BACK, "00"), PHOTOS[1]], HINTS),
        (["Inspect()"], [("c.jpg", View.FRONT, "00"), PHOTOS[1]], HINTS),
        (["Inspect()"], [("a.jpg", View.FRONT, "01"), PHOTOS[1]], HINTS),
        (["Inspect()"], PHOTOS, replace(HINTS, height=0.5)),
        (["Inspect()"], PHOTOS, replace(HINTS, title="Lamps")),
        (["Inspect()"], PHOTOS, replace(HINTS, title="", category="Lamplamp")),
    ],
)
def test_everything_that_decides_the_asset_decides_the_key(stages: Any, photos: Any, hints: Hints) -> None:
    assert checkpoint_key(stages, photos, hints) != checkpoint_key(["Inspect()"], PHOTOS, HINTS)


def test_another_version_of_plinth_takes_no_old_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = checkpoint_key([], PHOTOS, HINTS)
    monkeypatch.setattr(checkpoints, "plinth_version", lambda: "99")
    assert checkpoint_key([], PHOTOS, HINTS) != before
