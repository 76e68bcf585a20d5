"""Edits of versions and models made by hand, through real workers: in seconds, harmless whatever is sent"""

import io
import time

import numpy as np
import psutil
import pytest
import requests
from PIL import Image

from assets_pipeline.formats.glb import read_glb
from assets_pipeline.stores.s3 import S3Store
from catalog.edits import Edits, request_edit
from catalog.jobs import approve_job, request_asset
from catalog.models import AssetJob, Kind, Product, Status
from catalog.recipe import Recipe
from catalog.uploads import begin_model_upload, confirm_model_upload
from catalog.versions import SHOWN
from tests.foreign import CUBE, Glb, huge_png, unfolded_cube
from tests.workers.conftest import MakeProduct
from tests.workers.processes import Processes
from tests.workers.test_worker import COMPARED, DRAFT, stages_of, wait_for_end

pytestmark = pytest.mark.slow


def upload(product: Product, data: bytes) -> AssetJob:
    """A confirmed upload, sent as a browser sends it."""
    upload_id, form = begin_model_upload(product, name="model.glb")
    sent = requests.post(form.url, dict(form.fields), files={"file": ("model.glb", data)}, timeout=30)
    assert sent.status_code in {200, 201, 204}, sent.text
    return confirm_model_upload(product, upload_id, Recipe(quality="draft", texture_size=512))


def test_a_version_is_edited_in_seconds(processes: Processes, make_product: MakeProduct, storage: S3Store) -> None:
    processes.start_worker()
    made = wait_for_end(request_asset(make_product(), DRAFT)).version
    assert made is not None
    began = time.monotonic()
    job = wait_for_end(request_edit(made, Edits(roughness=0.15, turn_degrees=90)))
    took = time.monotonic() - began
    assert (job.status, job.reason, job.progress) == (Status.NEEDS_REVIEW, "", 100), job.advice
    assert stages_of(job) == ["edit", "export_glb", "export_usdz", "render", "certify", "compare", "store"]
    assert took < 60, "5 s on a machine with nothing else to do"
    version = job.version
    assert version is not None
    assert (version.origin, version.parent, version.number) == (Kind.EDIT, made, made.number + 1)
    assert version.dimensions["depth"] == pytest.approx(made.dimensions["width"], rel=1e-4)
    assert version.certificate["edit"]["of_version"] == made.number
    assert version.certificate["agreement"]["photos"][0]["iou"] == pytest.approx(
        made.certificate["agreement"]["photos"][0]["iou"], abs=0.01
    )
    assert (version.generator, version.licence) == (made.generator, made.licence)
    files = {file["name"]: file for file in version.files}
    assert {*COMPARED, "scene.json", "report.json"} <= set(files) and not {*COMPARED, "scene.json"} & SHOWN
    before = {file["name"]: file["key"] for file in made.files}
    assert files["photo-1.webp"]["key"] == before["photo-1.webp"]
    surface = read_glb(storage.get(files["model.glb"]["key"])).material.metallic_roughness
    assert surface is not None and surface[..., 1].mean() / 255 == pytest.approx(0.15, abs=0.02)
    approve_job(job)
    again = wait_for_end(request_edit(version, Edits(tint="#c0c0ff"))).version
    assert again is not None and again.parent == version


def test_a_model_made_by_hand_becomes_a_version(
    processes: Processes, make_product: MakeProduct, storage: S3Store
) -> None:
    processes.start_worker()
    positions, faces, attributes = unfolded_cube()
    glb = Glb()
    glb.mesh(positions * 1000, faces, attributes=attributes, material=glb.material(pbrMetallicRoughness={}))
    job = wait_for_end(upload(make_product(height=0.3), glb.bytes))
    assert (job.status, job.reason) == (Status.NEEDS_REVIEW, "uploaded_model"), job.advice
    assert stages_of(job)[0] == "adopt" and stages_of(job)[-2:] == ["compare", "store"]
    version = job.version
    assert version is not None
    assert (version.origin, version.generator, version.grade) == (Kind.UPLOAD, "uploaded", "C")
    assert version.dimensions == pytest.approx({"width": 0.2, "height": 0.3, "depth": 0.4}, abs=1e-4)
    assert "scaled by 0.001" in job.advice
    assert version.certificate["passed"]
    poster = next(file for file in version.files if file["name"] == "poster-white.webp")
    assert np.asarray(Image.open(io.BytesIO(storage.get(poster["key"])))).min() < 200
    job = wait_for_end(request_edit(version, Edits(tint="#ff0000")))
    assert (job.status, job.version and job.version.origin) == (Status.NEEDS_REVIEW, Kind.EDIT), job.advice


def test_hostile_models_are_rejected_and_the_same_child_works_on(
    processes: Processes, make_product: MakeProduct
) -> None:
    processes.start_worker()
    product = make_product()
    bomb, endless, nothing = Glb(), Glb(), Glb()
    bomb.mesh(material=bomb.material(pbrMetallicRoughness={"baseColorTexture": bomb.texture(huge_png())}))
    endless.mesh()
    endless.document["accessors"][0]["count"] = 4 * 10**9
    nothing.mesh(CUBE * np.float32(0))
    first: psutil.Process | None = None
    for data, code in (
        (b"PK\x03\x04 not a model", "not_a_glb"),
        (bomb.bytes, "model_texture_too_large"),
        (endless.bytes, "model_too_complex"),
        (nothing.bytes, "model_no_surface"),
        (nothing.bytes[:-30], "model_truncated"),
    ):
        job = wait_for_end(upload(product, data))
        assert (job.status, job.reason) == (Status.REJECTED, code), job.advice
        assert job.advice and not job.events.filter(reason="lost").exists()
        child = processes.child()
        assert child is not None and child.memory_info().rss < 1_500_000_000
        first = first or child
        assert child == first
    assert not product.versions.exists()
