"""Rays against a box whose answers are known."""

import numpy as np
import pytest
import trimesh

from assets_pipeline.geometry.rays import RAYS_PER_CALL, RayScene


@pytest.fixture
def box() -> RayScene:
    mesh = trimesh.creation.box((2, 2, 2))
    return RayScene(mesh.vertices, mesh.faces)


def test_a_ray_meets_the_nearest_side_first(box: RayScene) -> None:
    triangle, distance, weights = box.first_hit(np.array([[0.3, 0.2, 5.0]]), np.array([[0.0, 0.0, -1.0]]))
    assert triangle[0] >= 0
    assert distance[0] == pytest.approx(4, abs=1e-5)
    mesh = trimesh.creation.box((2, 2, 2))
    assert weights[0] @ mesh.vertices[mesh.faces[triangle[0]]] == pytest.approx([0.3, 0.2, 1.0], abs=1e-5)


def test_a_ray_past_the_box_meets_nothing(box: RayScene) -> None:
    triangle, distance, weights = box.first_hit(np.array([[3.0, 0, 5]]), np.array([[0, 0, -1.0]]))
    assert triangle[0] == -1 and np.isinf(distance[0]) and not weights.any()


def test_any_hit_respects_the_distance_given(box: RayScene) -> None:
    origins, directions = np.array([[0.0, 0, 5], [0.0, 0, 5]]), np.array([[0, 0, -1.0], [0, 0, -1.0]])
    assert box.any_hit(origins, directions, np.array([3.9, 4.1])).tolist() == [False, True]
    assert box.any_hit(origins, directions).all()


def test_many_rays_over_several_threads_agree_with_few(box: RayScene) -> None:
    random = np.random.default_rng(1)
    origins = random.normal(size=(3 * RAYS_PER_CALL + 17, 3)) * 4
    directions = random.normal(size=origins.shape)
    together = box.first_hit(origins, directions)
    for part in (slice(0, 50), slice(-50, None)):
        apart = box.first_hit(origins[part], directions[part])
        assert all(np.array_equal(a, b[part]) for a, b in zip(apart, together, strict=True))
    assert np.array_equal(box.any_hit(origins, directions), together[0] >= 0)
