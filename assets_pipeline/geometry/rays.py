"""Rays against triangles, over Embree."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

from assets_pipeline.geometry.cores import usable_cores

RAYS_PER_CALL = 1 << 16
"""Rays handed to Embree at a time: bounds its result buffers, and gives every core work (it releases the GIL)."""

NO_LIMIT = np.float32(1e30)


class RayScene:
    """Triangles to shoot rays at.

    positions: float32 (n, 3). indices: (m, 3). Directions need not be unit: distances count in their lengths. Rays
    see triangles from both sides. One instance may be used by one caller at a time.
    """

    def __init__(self, positions: NDArray[Any], indices: NDArray[Any]) -> None:
        assert len(indices), "a ray scene needs triangles"
        self._scene = EmbreeScene()
        # the scene keeps no reference of its own to the mesh
        self._mesh = TriangleMesh(
            self._scene, np.array(positions, np.float32, order="C"), np.array(indices, np.int32, order="C")
        )
        # the tree is built by the first query; a throw-away ray builds it before threads share the scene
        ray = np.array([[0.0, 0.0, 1.0]], np.float32)
        self._scene.run(ray, ray)

    def first_hit(
        self, origins: NDArray[Any], directions: NDArray[Any]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        """The first triangle that each ray meets.

        origins, directions: (n, 3). Returns triangle int64 (n,), -1 for none; distance float32 (n,), infinite for none;
        barycentric float32 (n, 3), the weights of the triangle's corners, zero for none.
        """
        triangle = np.full(len(origins), -1, np.int64)
        distance = np.full(len(origins), np.inf, np.float32)
        barycentric = np.zeros((len(origins), 3), np.float32)

        def shoot(part: slice, start: NDArray[np.float32], towards: NDArray[np.float32]) -> None:
            found = self._scene.run(start, towards, query="INTERSECT", output=True)
            hit = found["primID"] >= 0
            triangle[part] = found["primID"]
            distance[part][hit] = found["tfar"][hit]
            u, v = found["u"][hit], found["v"][hit]
            barycentric[part][hit] = np.stack([1 - u - v, u, v], axis=1)

        _in_parts(shoot, origins, directions)
        return triangle, distance, barycentric

    def any_hit(
        self, origins: NDArray[Any], directions: NDArray[Any], max_distance: NDArray[Any] | float = float(NO_LIMIT)
    ) -> NDArray[np.bool_]:
        """Whether each ray meets anything within `max_distance`, one number or one per ray. bool (n,)."""
        hit = np.zeros(len(origins), bool)
        limit = np.broadcast_to(np.asarray(max_distance, np.float32), (len(origins),))

        def shoot(part: slice, start: NDArray[np.float32], towards: NDArray[np.float32]) -> None:
            hit[part] = self._scene.run(start, towards, limit[part].copy(), query="OCCLUDED") >= 0

        _in_parts(shoot, origins, directions)
        return hit


def _in_parts(shoot: Any, origins: NDArray[Any], directions: NDArray[Any]) -> None:
    """Call `shoot(part, origins, directions)` for slices of the rays, on every core that we may use."""
    assert origins.shape == directions.shape, "one direction per origin"

    def run(start: int) -> None:
        part = slice(start, start + RAYS_PER_CALL)
        # copies: Embree's wrapper reads raw pointers of writeable, contiguous float32 arrays
        shoot(part, np.array(origins[part], np.float32, order="C"), np.array(directions[part], np.float32, order="C"))

    starts = range(0, len(origins), RAYS_PER_CALL)
    cores = usable_cores()
    if len(starts) < 2 or cores < 2:
        for start in starts:
            run(start)
        return
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(run, starts))
