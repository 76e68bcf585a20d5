"""What the child tells is read for what it is, and nothing else gets into the parent, whatever the bytes are."""

import json
import os
import pickle
from dataclasses import replace
from typing import Any

import pytest

from assets_pipeline import tasks
from assets_pipeline.asset import Advice, Hints, View
from assets_pipeline.recipes import make_recipe
from assets_pipeline.stores.s3 import S3Store
from assets_pipeline.told import LONGEST_TEXT, Garbled, answers, from_bytes, to_bytes

DIGEST = "ab" * 32
KEPT = tasks.KeptFile("model.glb", f"files/m/{DIGEST}/model.glb", 3, DIGEST, "model/gltf-binary")
SEEN = tasks.Inspected(DIGEST, 1, 2, 3, (Advice("low_resolution", "Small.", "usable", "a.jpg", ((0, 0.5, 1, 0.25),)),))
SPEC = {"name": "primitive", "slots": ["front"], "lacks": None, "share": 0.5, "runs": True, "licence": {"code": "MIT"}}

TOLD = [
    tasks.Taken(), tasks.Began("bake"), tasks.Share(0.5), tasks.Spent({"bake": 1.5}, 2.0, 0.0),
    tasks.Done(tasks.Checkpoint("checkpoints/m/a.npz")), tasks.Done(tasks.Finished((KEPT,), {"grade": "B", "n": [1]})),
    tasks.Done(SEEN), tasks.Done(tasks.Described((SPEC,))), tasks.Rejected("code", "advice", "a.jpg", ((0, 0, 1, 1),)),
    tasks.Away("code", "Away: “für immer”."), tasks.CalledOff(), tasks.Crashed("Traceback\n"),
]  # fmt: skip


@pytest.mark.parametrize("message", TOLD, ids=lambda message: type(message).__name__)
def test_all_that_a_child_tells_arrives_as_it_was(message: tasks.Told) -> None:
    assert from_bytes(to_bytes(message)) == message


def test_tuples_and_views_in_a_description_arrive_as_lists_and_texts() -> None:
    arrived = from_bytes(to_bytes(tasks.Done(tasks.Described(({"slots": (View.FRONT,)},)))))
    assert arrived == tasks.Done(tasks.Described(({"slots": ["front"]},)))


class Evil:
    """Runs as soon as somebody unpickles it."""

    def __reduce__(self) -> Any:
        return os._exit, (1,)


REWRITES_A_CLASS = b"\x80\x04cassets_pipeline.tasks\nDone\nN}\x8c\x0e__match_args__)s\x86b."


@pytest.mark.parametrize("data", [pickle.dumps(Evil()), pickle.dumps(tasks.CalledOff()), REWRITES_A_CLASS])
def test_pickles_are_not_read_and_no_class_is_changed(data: bytes) -> None:
    with pytest.raises(Garbled):
        from_bytes(data)
    assert tasks.Done.__match_args__ == ("result",)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff", b"null", b"3", b"[]", b"{}", b'{"Cancel":{}}', b'{"KeptFile":{}}', b'{"__class__":{}}',
        b'{"Taken":{"x":1}}', b'{"Taken":[]}', b'{"Taken":{},"CalledOff":{}}', b'{"Began":{}}',
        b'{"Began":{"stage":3}}',
        b'{"Began":{"stage":"a\\u0000"}}', b'{"Began":{"stage":"\\ud800"}}', b'{"Share":{"done":NaN}}',
        b'{"Share":{"done":1e999}}', b'{"Share":{"done":true}}', b'{"Share":{"done":"1"}}',
        b'{"Share":{"done":1' + b"0" * 400 + b"}}", b'{"Share":{"done":1' + b"0" * 9000 + b"}}",
        b'{"Spent":{"seconds":{"a":-1},"cpu_seconds":0,"gpu_seconds":0}}',
        b'{"Spent":{"seconds":{},"cpu_seconds":1e300,"gpu_seconds":0}}',
        b'{"Done":{"result":{"Began":{"stage":"a"}}}}', b'{"Done":{"result":null}}',
        b'{"Done":{"result":{"Finished":{"files":{},"report":{}}}}}',
        b'{"Done":{"result":{"Finished":{"files":[{"Checkpoint":{"key":"a"}}],"report":{}}}}}',
        b'{"Done":{"result":{"Finished":{"files":[],"report":{"a":[{"b":Infinity}]}}}}}',
        b'{"Done":{"result":{"Inspected":{"sha256":"","bytes":1.5,"width":1,"height":1,"advice":[]}}}}',
        b'{"Done":{"result":{"Inspected":{"sha256":"","bytes":-1,"width":1,"height":1,"advice":[]}}}}',
        b'{"Done":{"result":{"Inspected":{"sha256":"","bytes":1,"width":2147483648,"height":1,"advice":[]}}}}',
        b'{"Rejected":{"code":"a","advice":"a","photo":"","boxes":[[0,0,1]]}}',
        b'{"Done":{"result":{"Described":{"generators":' + b"[" * 100_000 + b"]" * 100_000 + b"}}}}",
        json.dumps({"Began": {"stage": "a" * (LONGEST_TEXT + 1)}}).encode(),
        json.dumps({"Done": {"result": {"Described": {"generators": [{}] * 10_001}}}}).encode(),
    ],
    ids=lambda data: repr(data[:60]),
)  # fmt: skip
def test_what_no_child_tells_is_refused(data: bytes) -> None:
    with pytest.raises(Garbled):
        from_bytes(data)


def test_what_json_has_no_word_for_is_not_sent() -> None:
    for odd in (float("nan"), object(), {1, 2}):
        with pytest.raises((TypeError, ValueError)):
            to_bytes(tasks.Done(tasks.Finished((), {"a": odd})))


STORE = S3Store("http://127.0.0.1:9", "bucket", "key", "secret")
RECIPE = make_recipe("draft", generator="primitive")
PHOTO = tasks.StoredPhoto("a.jpg", "photos/m/a", None, DIGEST)
MAKE = tasks.MakeTask(
    tasks.PREPARE,
    (PHOTO,),
    Hints(),
    RECIPE,
    "",
    STORE,
    "checkpoints/m",
    "files/m",
    "checkpoints/old",
    "checkpoints/gone",
)
FINISH = replace(MAKE, group=tasks.FINISH)
EDIT = tasks.EditTask(1, {}, tasks.Changes(), RECIPE, STORE, "files/m")
ADOPT = tasks.AdoptTask("uploads/m/a", 9, Hints(), RECIPE, STORE, "files/m")
INSPECT = tasks.InspectTask(PHOTO, STORE, 9)


def checkpoint(key: str) -> tasks.Checkpoint:
    return tasks.Checkpoint(key)


def finished(**change: str) -> tasks.Finished:
    return tasks.Finished((KEPT, replace(KEPT, **change)), {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("task", "result"),
    [
        (MAKE, checkpoint(f"checkpoints/m/{DIGEST}.npz")),
        (MAKE, checkpoint("checkpoints/old")),
        (replace(MAKE, group=tasks.GENERATE), checkpoint("checkpoints/gone")),
        (FINISH, finished()),
        (EDIT, finished()),
        (ADOPT, finished()),
        (INSPECT, SEEN),
        (replace(INSPECT, photo=replace(PHOTO, sha256="")), SEEN),
        (tasks.DescribeTask(), tasks.Described(())),
    ],
)
def test_results_of_the_task_itself_answer_it(task: tasks.Task, result: tasks.Result) -> None:
    assert answers(task, result)


@pytest.mark.parametrize(
    ("task", "result"),
    [
        (MAKE, checkpoint(f"checkpoints/other/{DIGEST}.npz")),
        (MAKE, checkpoint(f"checkpoints/m/../other/{DIGEST}.npz")),
        (MAKE, checkpoint("checkpoints/m/a.npz")),
        (MAKE, checkpoint("checkpoints/gone")),
        (MAKE, checkpoint("photos/m/a")),
        (MAKE, checkpoint("")),
        (replace(MAKE, prepared_key=""), checkpoint("")),
        (MAKE, finished()),
        (FINISH, checkpoint(f"checkpoints/m/{DIGEST}.npz")),
        (FINISH, finished(key=f"files/other/{DIGEST}/model.glb")),
        (EDIT, finished(key="photos/m/a")),
        (ADOPT, finished(sha256="cd" * 32)),
        (ADOPT, finished(name="../model.glb", key=f"files/m/{DIGEST}/../model.glb")),
        (FINISH, finished(sha256="..", key="files/m/../model.glb")),
        (INSPECT, replace(SEEN, sha256="cd" * 32)),
        (replace(INSPECT, photo=replace(PHOTO, sha256="")), replace(SEEN, sha256="x")),
        (INSPECT, tasks.Described(())),
        (tasks.DescribeTask(), SEEN),
    ],
)
def test_results_of_another_task_or_with_keys_elsewhere_do_not(task: tasks.Task, result: tasks.Result) -> None:
    assert not answers(task, result)
