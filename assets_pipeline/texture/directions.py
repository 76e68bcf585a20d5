"""Directions to cast rays in: spread evenly, and the same every time."""

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Camera
from assets_pipeline.geometry.measure import unit
from assets_pipeline.texture.shade import Studio


def spread(count: int) -> NDArray[np.float64]:
    """Points evenly spread over the unit square (R2 sequence, Roberts 2018), (count, 2)."""
    number = np.arange(1, count + 1)[:, None]
    points: NDArray[np.float64] = (0.5 + number * np.array([0.7548776662466927, 0.5698402909980532])) % 1
    return points


def hemisphere(count: int) -> NDArray[np.float32]:
    """Upward directions, denser toward the zenith as a matte floor weighs them, (count, 3)."""
    u, v = spread(count).T
    radius, angle = np.sqrt(u), 2 * np.pi * v
    return np.stack([radius * np.cos(angle), np.sqrt(1 - u), radius * np.sin(angle)], axis=1).astype(np.float32)


def lamp_cone(direction: NDArray[np.float32], width: float, count: int) -> NDArray[np.float32]:
    """Unit directions spread over a lamp of that width, (count, 3)."""
    u, v = spread(count).T
    side = unit(np.cross(direction, [0.0, 1.0, 0.0] if abs(direction[1]) < 0.9 else [1.0, 0.0, 0.0])[None])[0]
    radius, angle = np.sqrt(u) * width, 2 * np.pi * v
    offset = np.outer(radius * np.cos(angle), side) + np.outer(radius * np.sin(angle), np.cross(direction, side))
    cone: NDArray[np.float32] = unit(direction + offset).astype(np.float32)
    return cone


def lamps_in_world(studio: Studio, camera: Camera) -> NDArray[np.float32]:
    """Unit directions toward the lamps in the world; lamps turn with the camera but not tilt, (k, 3)."""
    right = camera.rotation[0]
    back = np.array([-right[2], 0.0, right[0]])
    turned = np.stack([right, [0.0, 1.0, 0.0], back])
    lamps = np.array([lamp.direction for lamp in studio.lamps]) @ turned
    found: NDArray[np.float32] = unit(lamps).astype(np.float32)
    return found
