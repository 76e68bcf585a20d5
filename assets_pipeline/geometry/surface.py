"""A mesh whose texture seams can be looked through: its triangles over merged positions, with data at their corners."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Mesh, frozen
from assets_pipeline.geometry.topology import weld


@dataclass(frozen=True)
class Surface:
    """Triangles over merged positions, and what each of their corners carries.

    positions: float64 (n, 3). indices: int64 (m, 3) into positions. corners: int64 (m, 3) into texcoords and colors,
    which keep the seams that `indices` does not have.
    """

    positions: NDArray[np.float64]
    indices: NDArray[np.int64]
    corners: NDArray[np.int64]
    texcoords: NDArray[np.float64] | None = None
    colors: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, mesh: Mesh, tolerance: float = 0.0) -> "Surface":
        """`mesh` with vertices nearer than `tolerance` merged."""
        positions, indices, _ = weld(mesh.positions, mesh.indices, tolerance)
        return cls(
            positions.astype(np.float64),
            indices,
            mesh.indices.astype(np.int64),
            None if mesh.texcoords is None else mesh.texcoords.astype(np.float64),
            None if mesh.colors is None else mesh.colors.astype(np.float64),
        )

    def keep(self, triangles: NDArray[Any]) -> "Surface":
        """Only `triangles`, a mask or numbers."""
        return replace(self, indices=self.indices[triangles], corners=self.corners[triangles])

    def with_triangles(self, indices: NDArray[np.int64], corners: NDArray[np.int64]) -> "Surface":
        """More triangles at the end."""
        return replace(
            self, indices=np.concatenate([self.indices, indices]), corners=np.concatenate([self.corners, corners])
        )

    def with_blended_corners(
        self, one: NDArray[np.int64], other: NDArray[np.int64], share: NDArray[np.float64]
    ) -> tuple["Surface", NDArray[np.int64]]:
        """New corner data between `one` (share 0) and `other` (share 1), and the numbers they got."""
        count = len(one)
        if self.texcoords is None and self.colors is None:
            return self, one  # nothing to blend: corners carry nothing
        first = len(self.texcoords if self.texcoords is not None else self.colors)  # type: ignore[arg-type]
        share = share[:, None]

        def grown(values: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
            if values is None:
                return None
            return np.concatenate([values, values[one] * (1 - share) + values[other] * share])

        grown_surface = replace(self, texcoords=grown(self.texcoords), colors=grown(self.colors))
        return grown_surface, np.arange(first, first + count)

    def mesh(self) -> Mesh:
        """The mesh with one vertex for each pair of position and corner data in use."""
        if self.texcoords is None and self.colors is None:
            pairs = self.indices.ravel()
            vertex, at = np.unique(pairs, return_inverse=True)
            corner = vertex
        else:
            span = int(self.corners.max(initial=0)) + 1
            pairs, at = np.unique(self.indices.ravel() * span + self.corners.ravel(), return_inverse=True)
            vertex, corner = np.divmod(pairs, span)
        return Mesh(
            positions=frozen(self.positions[vertex], np.float32),
            indices=frozen(at.reshape(-1, 3), np.uint32),
            texcoords=None if self.texcoords is None else frozen(self.texcoords[corner], np.float32),
            colors=None if self.colors is None else frozen(np.rint(self.colors[corner]), np.uint8),
        )
