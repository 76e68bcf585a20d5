"""The soft shadow of a scene on the floor it stands on."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from assets_pipeline.asset import Camera
from assets_pipeline.geometry.cameras import eye_of, rays_through
from assets_pipeline.geometry.rays import RayScene
from assets_pipeline.texture.directions import hemisphere, lamp_cone, lamps_in_world
from assets_pipeline.texture.shade import Studio

TEXELS = 144
RAYS = 96
STEP = 3
FAINT = 0.03
"""Darkness that nobody sees, taken off everywhere so that shadows end."""


class Floor:
    """Shadow on y = 0 around a scene, worked out on a grid of places."""

    def __init__(self, rays: RayScene, positions: NDArray[np.float32]) -> None:
        self.rays = rays
        low, high = positions.min(axis=0), positions.max(axis=0)
        size = float(np.linalg.norm(high - low))
        self.reach = 0.45 * size
        margin = 0.8 * self.reach
        self.middle = (low + high)[[0, 2]] / 2
        self.half = float(np.ptp(positions[:, [0, 2]], axis=0).max()) / 2 + margin
        across = (np.arange(TEXELS) + 0.5) / TEXELS * 2 - 1
        z, x = np.meshgrid(across, across, indexing="ij")
        self.places = np.zeros((TEXELS**2, 3), np.float32)
        self.places[:, 0] = self.middle[0] + self.half * x.ravel()
        self.places[:, 2] = self.middle[1] + self.half * z.ravel()
        self.places[:, 1] = -1e-4 * size
        # the room's shadow does not depend on where the camera stands
        self.room = self._darkness(hemisphere(RAYS))

    def _darkness(self, directions: NDArray[np.float32]) -> NDArray[np.float32]:
        """Share of `directions` that is blocked, float32 (TEXELS, TEXELS), smoothed and fading out."""
        blocked = np.zeros(len(self.places), np.float32)
        for direction in directions:
            # only what is near darkens, as in a photographer's tent: a shadow that stays close to the product
            towards = np.broadcast_to(direction, self.places.shape)
            blocked += self.rays.any_hit(self.places, towards, self.reach)
        grid = gaussian_filter(blocked.reshape(TEXELS, TEXELS) / len(directions), 1.6)
        from_edge = 1 - np.abs((np.arange(TEXELS) + 0.5) / TEXELS * 2 - 1)
        fade = np.clip(from_edge / 0.3, 0, 1)
        fade = fade * fade * (3 - 2 * fade)
        faded: NDArray[np.float32] = (np.maximum(grid - FAINT, 0) * np.outer(fade, fade)).astype(np.float32)
        return faded

    def seen(self, camera: Camera, studio: Studio) -> NDArray[np.float32]:
        """The floor's darkness at every pixel, (h * w,); zero where the floor is not seen."""
        lamp, key = lamps_in_world(studio, camera)[0], studio.lamps[0]
        directions = lamp_cone(lamp, key.width, 12) if lamp[1] > 0.05 else np.zeros((0, 3), np.float32)
        cast = self._darkness(directions) if len(directions) else np.zeros_like(self.room)
        darkness = 0.8 * self.room + 0.2 * cast
        # the shadow is soft: a third of the pixels across tell all of it
        height, width = -(-camera.height // STEP), -(-camera.width // STEP)
        row, column = np.mgrid[0:height, 0:width].reshape(2, -1)
        directions = rays_through(camera, (np.stack([column, row], axis=1) + 0.5) * STEP)
        eye = eye_of(camera)
        if eye[1] <= 0:
            return np.zeros((camera.height, camera.width), np.float32)
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.where(directions[:, 1] < 0, -eye[1] / directions[:, 1], np.nan)
            x = ((eye[0] + distance * directions[:, 0] - self.middle[0]) / self.half + 1) / 2 * TEXELS - 0.5
            z = ((eye[2] + distance * directions[:, 2] - self.middle[1]) / self.half + 1) / 2 * TEXELS - 0.5
        seen = Image.fromarray(_bilinear_or_zero(darkness, x, z).reshape(height, width))
        whole = seen.resize((width * STEP, height * STEP), Image.Resampling.BILINEAR)
        return np.asarray(whole)[: camera.height, : camera.width]


def _bilinear_or_zero(grid: NDArray[np.float32], x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float32]:
    """`grid[y, x]` between cells, zero outside and at nan."""
    found = np.zeros(len(x), np.float32)
    inside = np.flatnonzero((x >= 0) & (y >= 0) & (x < grid.shape[1] - 1) & (y < grid.shape[0] - 1))
    left, top = x[inside].astype(np.int32), y[inside].astype(np.int32)
    right, down = x[inside] - left, y[inside] - top
    upper = grid[top, left] * (1 - right) + grid[top, left + 1] * right
    lower = grid[top + 1, left] * (1 - right) + grid[top + 1, left + 1] * right
    found[inside] = upper * (1 - down) + lower * down
    return found
