"""sRGB <-> linear light (IEC 61966-2-1)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def srgb_to_linear(color: NDArray[Any]) -> NDArray[np.float32]:
    """Linear light in 0..1, float32, of sRGB given as uint8 or as floats in 0..1. No alpha channel, please."""
    if color.dtype == np.uint8:
        return _LINEAR_OF_BYTE[color]
    value = np.asarray(color, np.float32)
    return np.where(value <= 0.04045, value / 12.92, ((np.maximum(value, 0) + 0.055) / 1.055) ** 2.4).astype(np.float32)


def linear_to_srgb(light: NDArray[Any]) -> NDArray[np.float32]:
    """sRGB in 0..1, float32, of linear light; clipped to 0..1."""
    value = np.clip(np.asarray(light, np.float32), 0, 1)
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055).astype(np.float32)


def to_bytes(value: NDArray[Any]) -> NDArray[np.uint8]:
    """uint8 of values in 0..1, rounded to nearest and clipped."""
    return np.clip(np.rint(np.asarray(value, np.float32) * 255), 0, 255).astype(np.uint8)


_LINEAR_OF_BYTE = srgb_to_linear(np.arange(256, dtype=np.float32) / 255)
