"""Measures against shapes with known answers."""

import numpy as np
import pytest
import trimesh

from assets_pipeline.asset import Mesh, frozen
from assets_pipeline.geometry.measure import areas, corner_angles, sample_surface, vertex_normals, volume


def test_a_box_has_its_area_and_volume() -> None:
    box = trimesh.creation.box((1, 2, 3))
    assert areas(box.vertices, box.faces).sum() == pytest.approx(22)
    assert volume(box.vertices, box.faces) == pytest.approx(6)
    assert volume(box.vertices, box.faces[:, ::-1]) == pytest.approx(-6)


def test_angles_of_a_triangle_add_up_to_half_a_turn() -> None:
    ball = trimesh.creation.icosphere(2)
    assert corner_angles(ball.vertices, ball.faces).sum(axis=1) == pytest.approx(np.pi)


def test_normals_of_a_sphere_point_away_from_its_centre() -> None:
    ball = trimesh.creation.icosphere(4)
    assert np.abs(vertex_normals(ball.vertices, ball.faces) - ball.vertices).max() < 0.01


def test_samples_spread_by_area_and_repeat_with_their_seed() -> None:
    box = trimesh.creation.box((1, 1, 9))
    mesh = Mesh(frozen(box.vertices, np.float32), frozen(box.faces, np.uint32))
    points, triangle = sample_surface(mesh, 4000, seed=3)
    ends = (np.abs(points[:, 2]) > 4.499).mean()
    assert ends == pytest.approx(2 / 38, abs=0.005)
    assert np.array_equal(points, sample_surface(mesh, 4000, seed=3)[0])
    assert not np.array_equal(points, sample_surface(mesh, 4000, seed=4)[0])
    assert np.bincount(triangle, minlength=12).min() > 0
