"""Creases, and frames that a renderer can use."""

import numpy as np
import pytest
import trimesh

from assets_pipeline.geometry.tangents import corner_normals, tangents


def test_a_box_keeps_its_edges_and_a_sphere_has_none() -> None:
    box = trimesh.creation.box()
    normals, at = corner_normals(box.vertices, box.faces, 50)
    assert len(normals) == 24
    assert normals[at] == pytest.approx(np.repeat(box.face_normals[:, None], 3, axis=1), abs=1e-6)
    ball = trimesh.creation.icosphere(3)
    assert len(corner_normals(ball.vertices, ball.faces, 50)[0]) == len(ball.vertices)


def test_a_wide_angle_smooths_the_box() -> None:
    box = trimesh.creation.box()
    assert len(corner_normals(box.vertices, box.faces, 100)[0]) == 8


def test_tangents_follow_u_and_bitangents_go_up_the_texture() -> None:
    # a square that faces +Z, its image upright: u along +X, the image's top toward +Y
    positions = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    indices = np.array([[0, 1, 2], [0, 2, 3]])
    texcoords = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32)
    normals = np.tile(np.array([0, 0, 1], np.float32), (4, 1))
    frame = tangents(positions, indices, texcoords, normals)
    assert frame == pytest.approx(np.tile([1, 0, 0, 1], (4, 1)))
    mirrored = tangents(positions, indices, texcoords * (-1, 1), normals)
    assert mirrored == pytest.approx(np.tile([-1, 0, 0, -1], (4, 1)))


def test_tangents_stand_on_normals_even_without_texture_area() -> None:
    ball = trimesh.creation.icosphere(2)
    normals = ball.vertices.astype(np.float32)
    frame = tangents(ball.vertices, ball.faces, np.zeros((len(ball.vertices), 2), np.float32), normals)
    assert np.linalg.norm(frame[:, :3], axis=1) == pytest.approx(1, abs=1e-5)
    assert np.einsum("ij,ij->i", frame[:, :3], normals) == pytest.approx(0, abs=1e-5)
