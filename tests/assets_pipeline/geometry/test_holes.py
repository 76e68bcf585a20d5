"""Small holes close, openings of the product stay."""

import numpy as np
import pytest
import trimesh

from assets_pipeline.asset import Mesh, frozen
from assets_pipeline.geometry.holes import fill_holes
from assets_pipeline.geometry.measure import volume
from assets_pipeline.geometry.surface import Surface
from assets_pipeline.geometry.topology import edges_of


def surface_of(vertices: np.ndarray, faces: np.ndarray, texcoords: np.ndarray | None = None) -> Surface:
    coords = None if texcoords is None else frozen(texcoords, np.float32)
    return Surface.of(Mesh(frozen(vertices, np.float32), frozen(faces, np.uint32), texcoords=coords))


def test_small_holes_close_and_the_volume_comes_back() -> None:
    ball = trimesh.creation.icosphere(3)
    around = np.flatnonzero((ball.faces == 0).any(axis=1))
    faces = np.delete(ball.faces, [*around, 700], axis=0)
    filled, count, left = fill_holes(surface_of(ball.vertices, faces))
    assert (count, left) == (2, 0)
    edges = edges_of(filled.indices)
    assert edges.watertight and edges.inconsistent == 0
    assert volume(filled.positions, filled.indices) == pytest.approx(ball.volume, rel=0.01)


def test_a_tube_stays_open() -> None:
    tube = trimesh.creation.cylinder(radius=1, height=2, sections=32, cap=False)
    tube = trimesh.Trimesh(tube.vertices, tube.faces[np.abs(tube.face_normals[:, 2]) < 0.5])
    filled, count, left = fill_holes(surface_of(tube.vertices, tube.faces))
    assert (count, left) == (0, 2) and len(filled.indices) == len(tube.faces)


def test_a_filled_hole_takes_its_colour_from_its_own_rim() -> None:
    ball = trimesh.creation.icosphere(3)
    faces = np.delete(ball.faces, np.flatnonzero((ball.faces == 0).any(axis=1)), axis=0)
    near = np.linalg.norm(ball.vertices - ball.vertices[0], axis=1) < 0.4
    texcoords = np.where(near[:, None], [0.9, 0.9], [0.1, 0.1])
    before = len(faces)
    filled = fill_holes(surface_of(ball.vertices, faces, texcoords))[0].mesh()
    assert filled.texcoords[filled.indices[before:]] == pytest.approx(0.9)
