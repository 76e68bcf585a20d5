"""The child process: does tasks, keeps its limits, ends with whatever goes wrong, and never keeps anybody waiting."""

import os
import pickle
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil
import pytest

from assets_pipeline import tasks, told
from assets_pipeline.asset import Hints, View
from assets_pipeline.errors import Cancelled, InputRejected, Unavailable
from assets_pipeline.recipes import make_recipe
from assets_pipeline.runner import Limits, Runner, TaskLost, child_environ
from assets_pipeline.stores.s3 import S3Store
from infra.engines.engine import Engine
from tests.engines import s3_store

GENEROUS = Limits(seconds=120, memory_bytes=8_000_000_000)
ENVIRON = child_environ(os.environ, own_store_key=True)


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    """One that is warm."""
    runner = Runner(GENEROUS, ENVIRON)
    yield runner
    runner.stop()


@pytest.fixture
def store(seaweedfs: Engine, bucket: str) -> Iterator[S3Store]:
    store = s3_store(seaweedfs, bucket)
    yield store
    store.delete(list(store.list("")))


@pytest.fixture
def mug(store: S3Store, samples: Path) -> tasks.StoredPhoto:
    """A photo in the store."""
    data = (samples / "mug" / "front.jpg").read_bytes()
    key = f"photos/{secrets.token_hex(6)}/mug"
    store.put(key, data, content_type="image/jpeg")
    return tasks.StoredPhoto("front.jpg", key, View.FRONT, sha256(data).hexdigest())


def make_task(photo: tasks.StoredPhoto, store: S3Store, **fields: Any) -> tasks.MakeTask:
    recipe = make_recipe("draft", generator="primitive", triangles=3000, texture_size=256)
    hints = Hints("Coffee mug", "mug", height=0.095)
    shop = photo.key.split("/")[1]  # each test's own: a warm child remembers the last asset by its key
    task = tasks.MakeTask(tasks.PREPARE, (photo,), hints, recipe, "a test", store, f"checkpoints/{shop}", "files/m")
    return replace(task, **fields)


class Told:
    """Keeps what a task tells, and answers its ticks."""

    def __init__(self) -> None:
        self.news: list[tasks.News] = []
        self.ticks: list[float] = []

    def tell(self, news: tasks.News) -> None:
        self.news.append(news)

    def tick(self) -> bool:
        self.ticks.append(time.monotonic())
        return True

    @property
    def stages(self) -> list[str]:
        return [news.stage for news in self.news if isinstance(news, tasks.Began)]

    @property
    def spent(self) -> tasks.Spent:
        last = self.news[-1]
        assert isinstance(last, tasks.Spent)
        return last


def run(runner: Runner, task: tasks.Task, told: Told | None = None) -> Any:
    told = told or Told()
    return runner.run(task, tell=told.tell, tick=told.tick)


def when(told: Told, stage: str, act: Callable[[], object]) -> None:
    """Do `act` once, as soon as that stage begins."""
    before = told.tell

    def tell(news: tasks.News) -> None:
        before(news)
        if news == tasks.Began(stage):
            act()

    told.tell = tell  # type: ignore[method-assign]


def test_it_says_what_it_can_run(runner: Runner) -> None:
    (primitive, *_) = run(runner, tasks.DescribeTask()).generators
    assert (primitive["name"], primitive["runs_here"], primitive["why_not"]) == ("primitive", True, "")


def test_a_photo_is_inspected(runner: Runner, mug: tasks.StoredPhoto, store: S3Store) -> None:
    seen = run(runner, tasks.InspectTask(replace(mug, sha256=""), store, 64_000_000))
    assert (seen.sha256, seen.width, seen.height) == (mug.sha256, 1200, 900)
    assert seen.bytes == store.stat(mug.key).bytes


@pytest.mark.parametrize(
    ("change", "most", "code"),
    [
        ({"key": "photos/nobody"}, 10**9, "photo_gone"),
        ({"sha256": "00" * 32}, 10**9, "photo_changed"),
        ({}, 1000, "photo_too_large"),
    ],
)
def test_a_photo_that_will_not_do_comes_with_its_reason(
    runner: Runner, mug: tasks.StoredPhoto, store: S3Store, change: dict[str, str], most: int, code: str
) -> None:
    with pytest.raises(InputRejected) as caught:
        run(runner, tasks.InspectTask(replace(mug, **change), store, most))
    assert (caught.value.code, caught.value.photo) == (code, "front.jpg")


@pytest.mark.slow
def test_groups_go_on_from_checkpoints(runner: Runner, mug: tasks.StoredPhoto, store: S3Store) -> None:
    told = [Told() for _ in range(4)]
    task = make_task(mug, store)
    prepared = run(runner, task, told[0]).key
    assert told[0].stages == ["inspect", "segment"]
    assert set(told[0].spent.seconds) == {"inspect", "segment"}
    assert 0 < told[0].spent.cpu_seconds < 60

    again = Told()
    assert run(runner, task, again).key == prepared
    assert again.stages == []

    task = replace(task, group=tasks.GENERATE, prepared_key=prepared)
    generated = run(runner, task, told[1]).key
    assert told[1].stages == ["generate"]
    assert sorted(store.list("checkpoints/")) == sorted([prepared, generated])

    runner.stop()  # a fresh process has nothing in its memory
    task = replace(task, group=tasks.FINISH, generated_key=generated, seconds=told[0].spent.seconds)
    finished = run(runner, task, told[2])
    assert told[2].stages[0] == "clean" and told[2].stages[-3:] == ["preview", "compare", "store"]
    seconds = {entry["stage"]: entry["seconds"] for entry in finished.report["stages"]}
    assert seconds["segment"] == round(told[0].spent.seconds["segment"], 3)
    assert seconds["generate"] == 0  # nobody told that this job had run it
    assert finished.report["generator"]["why"] == "a test"
    assert finished.report["inputs"][0]["bytes"] == store.stat(mug.key).bytes
    assert {file.name for file in finished.files} >= {"model.glb", "model.usdz", "report.json", "preview.html"}
    for file in finished.files:
        assert sha256(store.get(file.key)).hexdigest() == file.sha256

    held = run(runner, replace(task, seconds={}), told[3])  # now from memory: the same bytes
    others = {"report.json"}
    assert [f for f in held.files if f.name not in others] == [f for f in finished.files if f.name not in others]


@pytest.mark.slow
def test_a_damaged_checkpoint_is_made_again(runner: Runner, mug: tasks.StoredPhoto, store: S3Store) -> None:
    task = make_task(mug, store)
    prepared = run(runner, task).key
    whole = store.get(prepared)
    store.put(prepared, whole[:-200], content_type="application/zip")
    runner.stop()
    told = Told()
    run(runner, replace(task, group=tasks.GENERATE, prepared_key=prepared), told)
    assert told.stages == ["inspect", "segment", "generate"]
    assert store.get(prepared) == whole


@pytest.mark.slow
def test_only_the_options_of_earlier_stages_decide_a_checkpoint(
    runner: Runner, mug: tasks.StoredPhoto, store: S3Store
) -> None:
    def keys(**wishes: Any) -> list[str]:
        recipe = make_recipe(**({"quality": "draft", "generator": "primitive"} | wishes))
        task = make_task(mug, store, recipe=recipe)
        return [run(runner, replace(task, group=group)).key for group in (tasks.PREPARE, tasks.GENERATE)]

    before = keys()
    assert keys(triangles=500, texture_size=512, profiles=["web"]) == before
    seeded = keys(seed=7)
    assert seeded[0] == before[0] and seeded[1] != before[1]
    high = make_task(mug, store, recipe=make_recipe("high", generator="primitive"))
    assert run(runner, high).key != before[0]


def test_a_store_that_is_away_is_no_bug(runner: Runner, mug: tasks.StoredPhoto, store: S3Store) -> None:
    away = replace(store, endpoint_url="http://127.0.0.1:9", timeout_seconds=1)
    with pytest.raises(Unavailable) as caught:
        run(runner, make_task(mug, away))
    assert caught.value.code == "storage_away"


def test_a_generator_that_nobody_knows_is_away(runner: Runner, mug: tasks.StoredPhoto, store: S3Store) -> None:
    recipe = make_recipe("draft", generator="tomorrow's")
    with pytest.raises(Unavailable) as caught:
        run(runner, make_task(mug, store, recipe=recipe))
    assert caught.value.code == "generator_unavailable"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_child_that_dies_loses_its_task_and_no_other(
    runner: Runner, mug: tasks.StoredPhoto, store: S3Store, number: signal.Signals
) -> None:
    told = Told()
    when(told, "segment", lambda: os.kill(runner.pid or 0, number))
    with pytest.raises(TaskLost, match=number.name):
        run(runner, make_task(mug, store), told)
    assert run(runner, make_task(mug, store)).key


def test_a_child_that_stands_still_is_ended(mug: tasks.StoredPhoto, store: S3Store) -> None:
    runner, told = Runner(replace(GENEROUS, seconds=3), ENVIRON), Told()
    when(told, "inspect", lambda: os.kill(runner.pid or 0, signal.SIGSTOP))
    begun = time.monotonic()
    with pytest.raises(TaskLost, match="3 s"):
        run(runner, make_task(mug, store), told)
    assert time.monotonic() - begun > 3
    assert runner.pid is None


def test_a_child_that_takes_too_much_memory_is_ended(mug: tasks.StoredPhoto, store: S3Store) -> None:
    runner = Runner(replace(GENEROUS, memory_bytes=100_000_000), ENVIRON)
    with pytest.raises(TaskLost, match="100 MB at most"):
        run(runner, make_task(mug, store))
    assert runner.pid is None


def test_ticks_come_all_the_time(runner: Runner, mug: tasks.StoredPhoto, store: S3Store) -> None:
    told = Told()
    run(runner, make_task(mug, store), told)
    gaps = [after - before for before, after in zip(told.ticks, told.ticks[1:], strict=False)]
    assert max(gaps) < 1


def test_a_task_that_is_called_off_ends_and_the_child_stays(
    runner: Runner, mug: tasks.StoredPhoto, store: S3Store
) -> None:
    told, go_on = Told(), [True]
    when(told, "inspect", go_on.clear)
    pid = runner.pid
    with pytest.raises(Cancelled):
        runner.run(make_task(mug, store), tell=told.tell, tick=lambda: bool(go_on))
    assert told.stages[-1] in {"inspect", "segment"}
    assert runner.pid == pid
    assert run(runner, make_task(mug, store)).key


def test_what_a_tick_raises_ends_the_child(runner: Runner, mug: tasks.StoredPhoto, store: S3Store) -> None:
    class Enough(Exception):
        pass

    def tick() -> bool:
        raise Enough

    with pytest.raises(Enough):
        runner.run(make_task(mug, store), tell=lambda news: None, tick=tick)
    assert runner.pid is None


@pytest.mark.slow
def test_all_of_a_childs_processes_end_with_it(runner: Runner, mug: tasks.StoredPhoto, store: S3Store) -> None:
    run(runner, make_task(mug, store, group=tasks.FINISH))
    family = [psutil.Process(runner.pid), *psutil.Process(runner.pid).children(recursive=True)]
    assert len(family) > 1  # Node's helper
    runner.stop()
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive


SECRETS = {
    "SECRET_KEY": "s", "DATABASE_URL": "postgresql://me:secret@db/plinth", "METRICS_TOKEN": "t", "BROKER_URL": "redis://b",
    "S3_ACCESS_KEY_ID": "k", "S3_SECRET_ACCESS_KEY": "k", "HF_TOKEN": "h", "PIP_INDEX_URL": "https://me:secret@pypi",
}  # fmt: skip


@pytest.mark.parametrize("own_store_key", [True, False])
def test_the_child_gets_nothing_of_the_environment_that_is_secret(own_store_key: bool) -> None:
    ours = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "AWS_SECRET_ACCESS_KEY": "a", **SECRETS}
    runner = Runner(GENEROUS, child_environ(ours, own_store_key=own_store_key))
    try:
        run(runner, tasks.DescribeTask())
        theirs = psutil.Process(runner.pid).environ()
    finally:
        runner.stop()
    assert not SECRETS.keys() & theirs.keys()
    assert (theirs["PATH"], theirs["HOME"]) == (ours["PATH"], "/nowhere")
    assert ("AWS_SECRET_ACCESS_KEY" in theirs) == (not own_store_key), "boto3 has no other way to a key then"


TAKEN_OVER = """
import json, os, sys, time
if "assets_pipeline.child" in sys.orig_argv:
    from multiprocessing.connection import Connection
    pipe = Connection(int(sys.orig_argv[-2]))
    pipe.recv_bytes()
    for message in {messages!r}:
        pipe.send_bytes(message)
    time.sleep(60)
"""
ELSEWHERE = tasks.KeptFile("model.glb", f"files/other/{'ab' * 32}/model.glb", 3, "ab" * 32, "model/gltf-binary")


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (pickle.dumps(tasks.CalledOff()), "SIGKILL"),
        (b"{}", "SIGKILL"),
        (told.to_bytes(tasks.Done(tasks.Described(()))), "something else"),
        (told.to_bytes(tasks.Done(tasks.Checkpoint("checkpoints/other/a.npz"))), "something else"),
        (told.to_bytes(tasks.Done(tasks.Finished((ELSEWHERE,), {}))), "something else"),
    ],
)
def test_a_child_that_was_taken_over_is_ended_and_what_it_tells_believed_by_nobody(
    tmp_path: Path, mug: tasks.StoredPhoto, store: S3Store, message: bytes, why: str
) -> None:
    """Python runs sitecustomize before anything of ours: it stands for what has taken the child over."""
    messages = [told.to_bytes(tasks.Taken()), message]
    (tmp_path / "sitecustomize.py").write_text(TAKEN_OVER.format(messages=messages))
    runner = Runner(GENEROUS, ENVIRON | {"PYTHONPATH": str(tmp_path)})
    with pytest.raises(TaskLost, match=why):
        run(runner, make_task(mug, store))
    assert runner.pid is None


LOOKS_INTO_ITS_PARENT = """
import ctypes, os, subprocess, sys
from assets_pipeline.runner import keep_to_itself

if os.getuid() == 0:
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
ctypes.CDLL(None).prctl(4, 1)  # as it is in a process that was that user from its start
if sys.argv[1:] == ["closed"]:
    keep_to_itself()
child = subprocess.run(["sh", "-c", "cat /proc/$PPID/environ"], cwd="/", capture_output=True)
print(b"SECRET=s" in child.stdout)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such thing")
@pytest.mark.parametrize(("how", "seen"), [("closed", "False"), ("open", "True")])
def test_a_child_does_not_read_the_environment_of_a_process_that_keeps_to_itself(how: str, seen: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", LOOKS_INTO_ITS_PARENT, how],
        env=os.environ | {"SECRET": "s"},
        capture_output=True,
        text=True,
    )
    assert found.stdout.strip() == seen, found.stderr


def test_a_child_ends_with_its_parent() -> None:
    script = (
        "import os\n"
        "from assets_pipeline.runner import *\n"
        "runner = Runner(Limits(60, 8e9), os.environ)\n"
        "runner.run(tasks.DescribeTask(), tell=lambda news: None, tick=lambda: True)\n"
        "print(runner.pid, flush=True)\n"
        "input()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    psutil.wait_procs([child], timeout=5)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_threads_take_turns(runner: Runner, mug: tasks.StoredPhoto, store: S3Store) -> None:
    results: list[Any] = []

    def ask() -> None:
        results.append(run(runner, tasks.InspectTask(mug, store, 64_000_000)).sha256)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == [mug.sha256] * 3
