import numpy as np

from assets_pipeline.formats.model import transformed
from tests.models import textured_mug


def test_a_move_leaves_normals_and_tangents_unit_and_at_right_angles() -> None:
    mesh, _ = textured_mug()
    matrix = np.diag([2.0, 3.0, 2.0, 1.0])
    matrix[:3, 3] = (1, 2, 3)
    moved = transformed(mesh, matrix)
    assert np.allclose(moved.extents, mesh.extents * (2, 3, 2), atol=1e-6)
    assert np.allclose(np.linalg.norm(moved.normals, axis=1), 1, atol=1e-5)
    assert np.allclose(np.einsum("ij,ij->i", moved.normals, moved.tangents[:, :3]), 0, atol=1e-5)
    assert np.array_equal(moved.tangents[:, 3], mesh.tangents[:, 3])


def test_no_move_is_the_mesh_itself() -> None:
    mesh, _ = textured_mug()
    assert transformed(mesh, np.eye(4)) is mesh
