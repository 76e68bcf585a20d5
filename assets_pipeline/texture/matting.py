"""soft mask at a network's resolution -> alpha and colours at the photo's

The boundary alone is solved for, in a narrow band, without ever building a matrix: memory stays near that of the photo.
Source: Levin, Lischinski & Weiss, "A Closed-Form Solution to Natural Image Matting", PAMI 2008; the mask joins in as a
weak wish for each unknown pixel, which settles what the colours leave open.
"""

from typing import Any

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

EPSILON = 1e-5
"""Colour variance below which a window counts as flat; JPEG's noise lies around it."""

WISH = 0.004
"""How much an unknown pixel holds on to the mask, against about 4 for its neighbours' colours."""

SURE = 0.04
"""Opacity within this of 0 or 1 is 0 or 1."""

CG_STEPS, CG_TOLERANCE = 80, 2e-3


def unknown_band(mask: NDArray[np.float32], radius: int) -> NDArray[np.bool_]:
    """Where the mask's boundary may run: within `radius` pixels of a change, and wherever the mask itself is unsure."""
    size = 2 * radius + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    high = cv2.dilate(mask, kernel)
    low = cv2.erode(mask, kernel)
    return (high > 0.1) & (low < 0.9)


def refine_alpha(
    pixels: NDArray[np.uint8], mask: NDArray[np.float32], unknown: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Opacity that follows the photo's own edges, float32 (h, w): solved where `unknown`, 0 or 1 elsewhere."""
    start = np.where(unknown, mask, mask > 0.5).astype(np.float32)
    centres = cv2.dilate(unknown.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    centres[[0, -1]] = False
    centres[:, [0, -1]] = False
    windows = np.flatnonzero(centres).astype(np.int64)
    if not windows.size:
        return start
    color = (pixels.reshape(-1, 3) / np.float32(255)).astype(np.float32)
    width = pixels.shape[1]
    means, inverses = _windows(color, windows, width)
    solved = _solve(color, windows, width, means, inverses, unknown.ravel(), start.ravel())
    alpha = np.clip((solved - SURE) / (1 - 2 * SURE), 0, 1).reshape(mask.shape)
    return np.where(unknown, alpha, start).astype(np.float32)


def foreground(pixels: NDArray[np.uint8], alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The product's own colours, uint8 (h, w, 3): what the photo shows less the background that shines through.

    Source: Germer et al., "Fast Multi-Level Foreground Estimation", ICPR 2020, as pymatting computes it.
    """
    from pymatting import estimate_foreground_ml

    estimate = estimate_foreground_ml(pixels.astype(np.float32) / 255, alpha.astype(np.float32))
    colors = np.clip(np.rint(estimate * 255), 0, 255).astype(np.uint8)
    return np.where((alpha >= 1)[..., None], pixels, colors)


def _solve(
    color: NDArray[np.float32],
    windows: NDArray[np.int64],
    width: int,
    means: NDArray[np.float32],
    inverses: NDArray[np.float32],
    unknown: NDArray[np.bool_],
    start: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Conjugate gradients with a diagonal preconditioner over the unknown pixels of `start`."""

    def laplacian(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return _apply(color, windows, width, means, inverses, values)

    at = np.flatnonzero(unknown)
    full = np.zeros_like(start)

    def system(x: NDArray[np.float32]) -> NDArray[np.float32]:
        full[at] = x
        return laplacian(full)[at] + np.float32(WISH) * x

    x = start[at].copy()
    known = np.where(unknown, np.float32(0), start)
    residual = np.float32(WISH) * start[at] - laplacian(known)[at] - system(x)
    scale = _diagonal(color, windows, width, means, inverses)[at] + np.float32(WISH)
    step = residual / scale
    energy = float(residual @ step)
    enough = CG_TOLERANCE**2 * energy
    for _ in range(CG_STEPS):
        if energy <= enough or energy == 0:
            break
        pushed = system(step)
        length = energy / float(step @ pushed)
        x += np.float32(length) * step
        residual -= np.float32(length) * pushed
        scaled = residual / scale
        energy, before = float(residual @ scaled), energy
        step = scaled + np.float32(energy / before) * step
    result = start.copy()
    result[at] = x
    return result


@njit(cache=True)
def _windows(color: Any, windows: Any, width: int) -> Any:
    """Mean colour (k, 3) and inverse covariance (k, 6: xx xy xz yy yz zz) of the 3 x 3 windows centred at `windows`."""
    means = np.empty((len(windows), 3), np.float32)
    inverses = np.empty((len(windows), 6), np.float32)
    for k in range(len(windows)):
        m = np.zeros(3)
        s = np.zeros(6)
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                r, g, b = color[windows[k] + dy * width + dx]
                m += np.array([r, g, b])
                s += np.array([r * r, r * g, r * b, g * g, g * b, b * b])
        m /= 9
        s /= 9
        xx = s[0] - m[0] * m[0] + EPSILON
        xy = s[1] - m[0] * m[1]
        xz = s[2] - m[0] * m[2]
        yy = s[3] - m[1] * m[1] + EPSILON
        yz = s[4] - m[1] * m[2]
        zz = s[5] - m[2] * m[2] + EPSILON
        a, b_, c = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
        det = xx * a + xy * b_ + xz * c
        means[k] = m.astype(np.float32)
        adjugate = np.array([a, b_, c, xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy])
        inverses[k] = (adjugate / det).astype(np.float32)
    return means, inverses


@njit(cache=True)
def _apply(color: Any, windows: Any, width: int, means: Any, inverses: Any, values: Any) -> Any:
    """The matting Laplacian times `values`: what each window's best linear model of colour leaves unexplained."""
    result = np.zeros(values.shape, np.float32)
    for k in range(len(windows)):
        m, v = means[k], inverses[k]
        mean = np.float32(0)
        x = y = z = np.float32(0)
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                i = windows[k] + dy * width + dx
                p = values[i]
                mean += p
                x += (color[i, 0] - m[0]) * p
                y += (color[i, 1] - m[1]) * p
                z += (color[i, 2] - m[2]) * p
        mean /= np.float32(9)
        a = (v[0] * x + v[1] * y + v[2] * z) / np.float32(9)
        b = (v[1] * x + v[3] * y + v[4] * z) / np.float32(9)
        c = (v[2] * x + v[4] * y + v[5] * z) / np.float32(9)
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                i = windows[k] + dy * width + dx
                model = a * (color[i, 0] - m[0]) + b * (color[i, 1] - m[1]) + c * (color[i, 2] - m[2])
                result[i] += values[i] - mean - model
    return result


@njit(cache=True)
def _diagonal(color: Any, windows: Any, width: int, means: Any, inverses: Any) -> Any:
    """The matting Laplacian's diagonal."""
    result = np.zeros(len(color), np.float32)
    for k in range(len(windows)):
        m, v = means[k], inverses[k]
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                i = windows[k] + dy * width + dx
                x, y, z = color[i, 0] - m[0], color[i, 1] - m[1], color[i, 2] - m[2]
                spread = v[0] * x * x + v[3] * y * y + v[5] * z * z
                spread += np.float32(2) * (v[1] * x * y + v[2] * x * z + v[4] * y * z)
                result[i] += np.float32(1) - (np.float32(1) + spread) / np.float32(9)
    return result
