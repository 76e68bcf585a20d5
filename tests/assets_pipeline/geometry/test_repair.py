"""Each repair on a mesh with just that fault."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from assets_pipeline.asset import Mesh, frozen
from assets_pipeline.geometry import repair
from assets_pipeline.geometry.measure import volume
from assets_pipeline.geometry.surface import Surface
from assets_pipeline.geometry.topology import components, edges_of, weld


def surface_of(mesh: trimesh.Trimesh) -> Surface:
    return Surface.of(Mesh(frozen(mesh.vertices, np.float32), frozen(mesh.faces, np.uint32)))


def joined(*meshes: trimesh.Trimesh) -> Surface:
    return surface_of(trimesh.util.concatenate(meshes))


def test_a_sliver_on_an_edge_goes_without_opening_the_mesh() -> None:
    # a tetrahedron whose edge 0-1 carries vertex 4 on one side only, closed by the flat triangle 0-1-4
    positions = np.array([[0, 0, 0], [2, 0, 0], [0, 2, 0], [0, 0, 2], [1, 0, 0]], float)
    indices = np.array([[0, 2, 4], [4, 2, 1], [0, 4, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    surface = Surface(positions, indices, indices)
    assert edges_of(indices).watertight
    mended, count = repair.flatten_slivers(surface)
    assert count == 1 and edges_of(mended.indices).watertight
    assert len(repair._slivers(mended)) == 0
    assert abs(volume(positions, mended.indices)) == pytest.approx(8 / 6)


def test_a_flip_gives_the_neighbour_the_colour_that_was_on_its_edge() -> None:
    positions = np.array([[0, 0, 0], [2, 0, 0], [0, 2, 0], [0, 0, 2], [1, 0, 0]], float)
    indices = np.array([[0, 2, 4], [4, 2, 1], [0, 4, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    texcoords = positions[:, :2] / 2
    surface = Surface(positions, indices, indices, texcoords=texcoords)
    mended, _ = repair.flatten_slivers(surface)
    at_corner = mended.texcoords[mended.corners]
    assert at_corner == pytest.approx(positions[mended.indices][..., :2] / 2)


def test_doubled_triangles_go_whichever_way_they_face() -> None:
    ball = surface_of(trimesh.creation.icosphere(1))
    doubled = ball.with_triangles(ball.indices[:3, ::-1], ball.corners[:3, ::-1])
    mended, count = repair.drop_duplicates(doubled)
    assert count == 3 and np.array_equal(mended.indices, ball.indices)


def test_a_fin_is_peeled_off() -> None:
    ball = surface_of(trimesh.creation.icosphere(1))
    a, b = ball.indices[0, :2]
    tip = len(ball.positions)
    finned = replace(ball, positions=np.vstack([ball.positions, [2, 2, 2]]))
    finned = finned.with_triangles(np.array([[a, b, tip]]), np.array([[a, b, a]]))
    mended, count = repair.drop_fins(finned)
    assert count == 1 and edges_of(mended.indices).watertight


def test_turned_triangles_turn_back_and_the_whole_faces_outward() -> None:
    ball = surface_of(trimesh.creation.icosphere(2))
    turn = np.zeros(len(ball.indices), bool)
    turn[::7] = True
    mended, count = repair.wind_alike(repair._turned(ball, turn))
    assert count == turn.sum() and volume(mended.positions, mended.indices) > 0
    mended, count = repair.face_outward(repair._turned(ball, ~np.zeros(len(turn), bool)))
    assert count == len(ball.indices) and volume(mended.positions, mended.indices) > 0


def test_the_lining_of_a_cavity_keeps_facing_inward() -> None:
    inner = trimesh.creation.icosphere(2, radius=0.5)
    inner.invert()
    hollow = joined(trimesh.creation.icosphere(2), inner)
    assert repair.face_outward(hollow)[1] == 0
    apart = trimesh.creation.icosphere(2, radius=0.5)
    apart.invert()
    apart.apply_translation([3, 0, 0])
    assert repair.face_outward(joined(trimesh.creation.icosphere(2), apart))[1] == len(inner.faces)


def test_floating_specks_go_but_small_parts_that_touch_stay() -> None:
    body = trimesh.creation.icosphere(3)
    knob = trimesh.creation.icosphere(1, radius=0.05)
    knob.apply_translation([0, 1.04, 0])
    speck = trimesh.creation.icosphere(1, radius=0.05)
    speck.apply_translation([0, 2, 0])
    mended, count = repair.drop_floaters(joined(body, knob, speck))
    assert count == 1 and mended.positions[mended.indices].max() == pytest.approx(1.09, abs=0.001)


def test_a_string_of_beads_is_no_cloud_of_floaters() -> None:
    beads = []
    for i in range(150):
        bead = trimesh.creation.icosphere(1, radius=0.5)
        bead.apply_translation([0.98 * i, 0, 0])
        beads.append(bead)
    assert repair.drop_floaters(joined(*beads))[1] == 0


@pytest.mark.parametrize("shift", [(1, 1, 0), (1, 1, 1)], ids=["an edge", "a corner"])
def test_boxes_that_touch_along_one_line_part_into_two_closed_bodies(shift: tuple[int, int, int]) -> None:
    other = trimesh.creation.box()
    other.apply_translation(shift)
    touching = joined(trimesh.creation.box(), other)
    mended, _ = repair.split_non_manifold(touching)
    positions, indices, _ = weld(mended.mesh().positions, mended.mesh().indices)
    assert edges_of(indices).watertight and edges_of(indices).inconsistent == 0
    assert volume(positions, indices) == pytest.approx(2, abs=1e-3)
    assert components(indices, len(positions)).max() == 1, "each box keeps to itself"


def test_an_edge_pinched_between_two_pairs_gets_a_second_line() -> None:
    # two tetrahedra that share an edge and are also joined at both its ends by having the same vertices
    positions = np.array([[0, 0, 0], [0, 0, 1], [1, 0, 0.5], [1, 1, 0.5], [-1, 0, 0.5], [-1, -1, 0.5]], float)
    one = np.array([[0, 1, 2], [1, 0, 3], [0, 2, 3], [1, 3, 2]])
    other = np.array([[0, 1, 4], [1, 0, 5], [0, 4, 5], [1, 5, 4]])
    surface = Surface(positions, np.concatenate([one, other]), np.concatenate([one, other]))
    assert edges_of(surface.indices).non_manifold == 1
    pinched = repair._split_pinched(surface)
    assert edges_of(pinched.indices).non_manifold == 0
    mended = repair.split_non_manifold(surface)[0]
    assert edges_of(weld(mended.mesh().positions, mended.mesh().indices)[1]).non_manifold == 0


def test_cracks_close_without_moving_anything_else() -> None:
    box = trimesh.creation.box((1, 1, 1)).subdivide().subdivide()
    on_left = box.triangles_center[:, 0] < 0
    left, right = trimesh.Trimesh(box.vertices, box.faces[on_left]), trimesh.Trimesh(box.vertices, box.faces[~on_left])
    right.apply_translation([1e-6, 0, 0])
    cracked = joined(left, right)
    assert edges_of(cracked.indices).boundary > 0
    mended, count = repair.weld_cracks(cracked, 1e-5)
    assert count > 0 and edges_of(mended.indices).watertight
    assert repair.weld_cracks(cracked, 1e-7)[1] == 0
