"""Openness of places whose sky is known."""

import numpy as np
import pytest
import trimesh

from assets_pipeline.geometry.rays import RayScene
from assets_pipeline.texture.occlusion import openness


def test_an_open_plane_sees_everything_and_a_corner_half() -> None:
    floor = trimesh.creation.box((40, 0.1, 40))
    floor.apply_translation([0, -0.05, 0])
    wall = trimesh.creation.box((0.1, 40, 40))
    wall.apply_translation([-0.05, 0, 0])
    both = trimesh.util.concatenate([floor, wall])
    points = np.array([[0.01, 0.0, 0.0], [10.0, 0.0, 0.0]])
    normals = np.array([[0.0, 1, 0], [0.0, 1, 0]])
    free = openness(RayScene(both.vertices, both.faces), points, normals, reach=5, bias=1e-3, rays=256)
    assert free[0] == pytest.approx(0.5, abs=0.05)
    assert free[1] == 1


def test_a_sealed_cavity_sees_nothing_and_far_walls_do_not_count() -> None:
    ball = trimesh.creation.icosphere(3)
    scene = RayScene(ball.vertices, ball.faces)
    centre, up = np.zeros((1, 3)), np.array([[0.0, 1, 0]])
    assert openness(scene, centre, up, reach=2, bias=1e-3, rays=32)[0] == 0
    assert openness(scene, centre, up, reach=0.5, bias=1e-3, rays=32)[0] == 1
