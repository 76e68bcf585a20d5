"""Welding, edges and parts."""

import numpy as np
import trimesh

from assets_pipeline.geometry.topology import (
    compact,
    components,
    corner_fans,
    edges_of,
    paired_half_edges,
    weld,
)


def soup(mesh: trimesh.Trimesh) -> tuple[np.ndarray, np.ndarray]:
    """Every triangle with vertices of its own."""
    return mesh.vertices[mesh.faces].reshape(-1, 3).astype(np.float32), np.arange(3 * len(mesh.faces)).reshape(-1, 3)


def test_welding_a_soup_closes_it() -> None:
    box = trimesh.creation.box()
    positions, indices = soup(box)
    assert edges_of(indices).boundary == 36
    merged, welded, target = weld(positions, indices)
    assert len(merged) == 8 and edges_of(welded).watertight
    assert np.array_equal(merged[welded], positions[indices]) and len(target) == 36


def test_welding_bridges_gaps_up_to_its_tolerance_across_cell_borders() -> None:
    positions, indices = soup(trimesh.creation.icosphere(2))
    shaken = positions + np.random.default_rng(0).uniform(-4e-6, 4e-6, positions.shape).astype(np.float32)
    assert len(weld(shaken, indices, 2e-5)[0]) == 162
    assert len(weld(shaken, indices)[0]) > 800


def test_edges_tell_open_shared_and_crowded_ones_apart() -> None:
    fan = np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4]])
    edges = edges_of(fan)
    assert (edges.boundary, edges.non_manifold, edges.watertight) == (6, 1, False)


def test_a_turned_triangle_shows_as_inconsistent_edges() -> None:
    faces = trimesh.creation.icosphere(1).faces.copy()
    assert edges_of(faces).inconsistent == 0
    faces[5] = faces[5][::-1]
    assert edges_of(faces).inconsistent == 3


def test_parts_that_share_no_vertex_are_counted_apart() -> None:
    one = trimesh.creation.box().faces
    label = components(np.concatenate([one, one + 8, one + 16]), 24)
    assert np.array_equal(label, np.repeat([0, 1, 2], 12))


def test_cutting_every_edge_gives_each_corner_a_fan_of_its_own() -> None:
    faces = trimesh.creation.box().faces
    edges = edges_of(faces)
    assert len(np.unique(corner_fans(faces, edges, paired_half_edges(edges)))) == 8
    assert len(np.unique(corner_fans(faces, edges, np.empty((0, 2), np.int64)))) == 36


def test_compacting_leaves_out_unused_vertices() -> None:
    kept, indices = compact(np.array([[1, 4, 6]]), 9)
    assert kept.tolist() == [1, 4, 6] and indices.tolist() == [[0, 1, 2]]
