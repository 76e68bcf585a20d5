"""How much of the sky each surface point sees."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.geometry.measure import unit
from assets_pipeline.geometry.rays import RayScene

FIRST_RAYS = 16
"""Rays that tell open points from others: two in three points of a product see the whole sky."""

GOLDEN = 0.6180339887498949


def openness(
    scene: RayScene, points: NDArray[Any], normals: NDArray[Any], *, reach: float, bias: float, rays: int
) -> NDArray[np.float32]:
    """The cosine-weighted share of rays from each point that leave freely, float32 (n,) in 0..1.

    points, normals: (n, 3), normals unit. A ray counts as free after `reach`; it starts `bias` off the surface. Points
    whose first rays all leave freely get no more. Deterministic: each point turns one set of rays by its own angle.
    """
    blocked = np.zeros(len(points), np.int64)
    shot = np.full(len(points), FIRST_RAYS)
    _shoot(scene, np.arange(len(points)), blocked, points, normals, range(FIRST_RAYS), rays, reach, bias)
    doubtful = np.flatnonzero(blocked)
    if len(doubtful):
        _shoot(scene, doubtful, blocked, points, normals, range(FIRST_RAYS, rays), rays, reach, bias)
        shot[doubtful] = rays
    return (1 - blocked / shot).astype(np.float32)


def _shoot(
    scene: RayScene,
    which: NDArray[np.int64],
    blocked: NDArray[np.int64],
    points: NDArray[Any],
    normals: NDArray[Any],
    numbers: range,
    rays: int,
    reach: float,
    bias: float,
) -> None:
    """Add to `blocked` the rays `numbers` of `rays` that meet something, for the points `which`."""
    normal = normals[which].astype(np.float32)
    origin = points[which].astype(np.float32) + normal * np.float32(bias)
    axis = np.where(np.abs(normal[:, :1]) < 0.7, np.array([[1, 0, 0]]), np.array([[0, 1, 0]]))
    side = unit(np.cross(normal, axis)).astype(np.float32)
    other = np.cross(normal, side)
    turn = ((which * GOLDEN) % 1.0).astype(np.float32)
    lift = ((which * (GOLDEN**2) + 0.5) % 1.0).astype(np.float32)
    order = np.random.default_rng(0).permutation(rays)  # any first few rays spread over the whole sky
    for number in numbers:
        height = (lift + order[number] / rays) % 1.0
        angle = 2 * np.pi * (turn + number * GOLDEN)
        radius = np.sqrt(height)
        direction = (
            side * (radius * np.cos(angle))[:, None]
            + other * (radius * np.sin(angle))[:, None]
            + normal * np.sqrt(1 - height)[:, None]
        )
        blocked[which] += scene.any_hit(origin, direction, reach)
