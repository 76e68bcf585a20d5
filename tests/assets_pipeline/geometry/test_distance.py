"""Nearest points on a sphere and on a box."""

import numpy as np
import pytest
import trimesh

from assets_pipeline.geometry.distance import closest_points


def test_the_nearest_point_of_a_box_lies_where_it_must() -> None:
    box = trimesh.creation.box((2, 2, 2))
    points = np.array([[0.3, 0.2, 4], [5, 5, 5], [0, 0, 0.9]])
    distance, triangle, weights = closest_points(points, box.vertices, box.faces)
    assert distance == pytest.approx([3, 4 * np.sqrt(3), 0.1])
    nearest = np.einsum("ij,ijk->ik", weights, box.vertices[box.faces[triangle]])
    assert nearest == pytest.approx(np.array([[0.3, 0.2, 1], [1, 1, 1], [0, 0, 1]]))


def test_weights_are_never_negative_and_add_up() -> None:
    ball = trimesh.creation.icosphere(2)
    points = np.random.default_rng(0).normal(size=(500, 3)) * 2
    weights = closest_points(points, ball.vertices, ball.faces)[2]
    assert weights.min() >= 0 and weights.sum(axis=1) == pytest.approx(1)
