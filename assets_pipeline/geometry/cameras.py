"""Pinhole cameras: aim them, frame a shape with them, project points, cast rays."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Camera, frozen


def look_at(eye: NDArray[Any], target: NDArray[Any], *, focal_px: float, width: int, height: int) -> Camera:
    """A camera at `eye` with `target` in the frame's middle and +Y up; straight up or down, -Z is up."""
    back = (np.asarray(eye, np.float64) - target) / np.linalg.norm(np.asarray(eye, np.float64) - target)
    up = np.array([0.0, 1.0, 0.0]) if abs(back[1]) < 0.9999 else np.array([0.0, 0.0, -1.0])
    right = np.cross(up, back)
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(back, right), back])
    return Camera(frozen(rotation), frozen(-rotation @ eye), focal_px, width, height)


def frame(
    positions: NDArray[Any],
    *,
    azimuth: float,
    elevation: float,
    size: int,
    fill: float = 0.8,
    field_of_view: float = 24.0,
) -> Camera:
    """A square camera that sees `positions` whole and centred, the longer of their sides filling `fill` of the frame.

    Angles in degrees: azimuth 0 looks at the front, 90 at the side toward +X.
    """
    azimuth, elevation = math.radians(azimuth), math.radians(elevation)
    away = np.array(
        [math.sin(azimuth) * math.cos(elevation), math.sin(elevation), math.cos(azimuth) * math.cos(elevation)]
    )
    focal_px = size / 2 / math.tan(math.radians(field_of_view) / 2)
    target = (positions.min(axis=0) + positions.max(axis=0)).astype(np.float64) / 2
    distance = float(np.linalg.norm(np.ptp(positions, axis=0))) * focal_px / size / fill
    for _ in range(4):  # the frame's middle and scale depend on perspective; this settles within a pixel
        camera = look_at(target + distance * away, target, focal_px=focal_px, width=size, height=size)
        pixels, _ = project(camera, positions)
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        shift = ((low + high) / 2 - size / 2) * distance / focal_px
        target = target + shift[0] * camera.rotation[0] - shift[1] * camera.rotation[1]
        distance *= float((high - low).max()) / (size * fill)
    return look_at(target + distance * away, target, focal_px=focal_px, width=size, height=size)


def project(camera: Camera, points: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixels (column, row), float64 (n, 2), and depths in front of the camera, float64 (n,), of points (n, 3)."""
    seen = np.asarray(points, np.float64) @ camera.rotation.T + camera.translation
    depth = -seen[:, 2]
    pixels = np.array([camera.width, camera.height]) / 2 + camera.focal_px * seen[:, :2] / depth[:, None] * (1, -1)
    return pixels, depth


def eye_of(camera: Camera) -> NDArray[np.float64]:
    """Where the camera stands, float64 (3,)."""
    position: NDArray[np.float64] = -camera.rotation.T @ camera.translation
    return position


def rays_through(camera: Camera, pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Unit directions from the eye through pixels (column, row), float32 (n, 3)."""
    x = ((pixels[:, 0] - camera.width / 2) / camera.focal_px).astype(np.float32)
    y = ((camera.height / 2 - pixels[:, 1]) / camera.focal_px).astype(np.float32)
    shorten = 1 / np.sqrt(x * x + y * y + 1)
    right, up, back = camera.rotation.astype(np.float32)
    directions = np.empty((len(pixels), 3), np.float32)
    for axis in range(3):
        directions[:, axis] = (x * right[axis] + y * up[axis] - back[axis]) * shorten
    return directions


def resized(camera: Camera, longest: int) -> Camera:
    """The same view with its longer side at `longest` pixels."""
    scale = longest / max(camera.width, camera.height)
    width, height = max(1, round(camera.width * scale)), max(1, round(camera.height * scale))
    return Camera(camera.rotation, camera.translation, camera.focal_px * scale, width, height)
