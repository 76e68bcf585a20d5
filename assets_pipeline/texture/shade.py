"""Light on surfaces: glTF's metallic-roughness material under a soft studio."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Scalars = NDArray[np.float32]

DIELECTRIC = 0.04
"""Reflectance at normal incidence of everything that is no metal (glTF 2.0, appendix B)."""


@dataclass(frozen=True)
class Softbox:
    """A large lamp. direction: toward it, in the camera's frame. power: what a white wall facing it sends back.

    width: 0 for a point, 1 for a lamp that fills half the sky.
    """

    direction: tuple[float, float, float]
    power: float
    width: float


@dataclass(frozen=True)
class Studio:
    """A bright room with lamps that stand with the camera; the first one casts shadows. 1 is white paper's light."""

    sky: float = 0.74
    horizon: float = 0.63
    floor: float = 0.42
    lamps: tuple[Softbox, ...] = (
        Softbox((-0.50, 0.95, 0.60), power=0.60, width=0.45),
        Softbox((0.80, 0.25, 0.45), power=0.12, width=0.6),
        Softbox((0.25, 0.60, -0.85), power=0.16, width=0.4),
    )


STUDIO = Studio()


@dataclass(frozen=True)
class Surface:
    """What shading needs to know of each point seen; all float32.

    normal, view: (n, 3) unit, view toward the eye. base_color: (n, 3) linear. roughness, metallic, occlusion: (n, 1).
    """

    normal: Vectors
    view: Vectors
    base_color: Vectors
    roughness: Scalars
    metallic: Scalars
    occlusion: Scalars


def shade(surface: Surface, studio: Studio, lamps: Vectors, unshadowed: Scalars) -> Vectors:
    """The light sent to the eye, linear float32 (n, 3), tone-mapped to 0..1.

    lamps: unit directions to `studio.lamps` in the world, (k, 3). unshadowed: (n, 1), share of the first lamp seen.
    """
    facing = np.maximum(np.einsum("ij,ij->i", surface.normal, surface.view)[:, None], 0.02)
    mirrored = 2 * facing * surface.normal - surface.view
    diffuse = _room(surface.normal[:, 1:2], studio, 1.0) * surface.occlusion
    # light that comes in through crevices is dimmed in reflections too, less so in grazing ones
    dimmed = np.clip((facing + surface.occlusion) ** 2 - 1 + surface.occlusion, 0, 1)
    glossy = _room(mirrored[:, 1:2], studio, surface.roughness) * dimmed
    for number, lamp in enumerate(studio.lamps):
        seen = unshadowed if number == 0 else surface.occlusion
        diffuse = diffuse + lamp.power * seen * _lit(surface.normal @ lamps[number], lamp.width)
        glossy = glossy + lamp.power * seen * _highlight(mirrored @ lamps[number], surface.roughness, lamp.width)
    specular = DIELECTRIC * (1 - surface.metallic) + surface.base_color * surface.metallic
    matte = surface.base_color * (1 - surface.metallic) * (1 - DIELECTRIC)
    return tone_mapped(matte * diffuse + _reflectance(specular, surface.roughness, facing) * glossy)


def _room(up: Scalars, studio: Studio, roughness: Scalars | float) -> Scalars:
    """Light from the room around directions of height `up`, blurred by roughness: floor, horizon and sky."""
    blur = 0.25 + 0.75 * np.asarray(roughness, np.float32)
    above = np.clip(0.5 + 0.5 * up / blur, 0, 1)
    above = above * above * (3 - 2 * above)
    rim = np.exp(-((up / blur) ** 2) * 3)
    edge = studio.horizon - (studio.sky + studio.floor) / 2
    return (studio.floor + (studio.sky - studio.floor) * above + edge * rim).astype(np.float32)


def _lit(cosine: NDArray[np.float32], width: float) -> Scalars:
    """Light on a matte wall from a wide lamp at an angle: it reaches past the horizon by half its width."""
    wrap = width / 2
    return (np.maximum(cosine + wrap, 0) ** (1 + wrap) / (1 + wrap) ** (1 + wrap))[:, None].astype(np.float32)


def _highlight(cosine: NDArray[np.float32], roughness: Scalars, width: float) -> Scalars:
    """A lamp's reflection, sharp on gloss and wide on rough: a spherical Gaussian of the two widths together.

    Its integral over the sphere stays the lamp's, so that roughness moves light without making any. Source: Wang et
    al., "All-Frequency Rendering of Dynamic, Spatially-Varying Reflectance", SIGGRAPH Asia 2009.
    """
    spread = (roughness**2) ** 2 * 2 + (0.6 * width) ** 2
    sharpness = 1 / np.maximum(spread, 1e-3)
    strength = sharpness / (1 - np.exp(-2 * sharpness))
    return (strength / 2 * np.exp(sharpness * (cosine[:, None] - 1))).astype(np.float32)


def _reflectance(specular: Vectors, roughness: Scalars, facing: Scalars) -> Vectors:
    """How much of an even room a rough surface mirrors.

    Source: Karis, "Physically Based Shading on Mobile", 2014 (a fit to the split-sum integral).
    """
    slope = np.array([-1, -0.0275, -0.572, 0.022], np.float32)
    start = np.array([1, 0.0425, 1.04, -0.04], np.float32)
    r = roughness * slope + start
    bend = np.minimum(r[:, :1] ** 2, np.exp2(-9.28 * facing)) * r[:, :1] + r[:, 1:2]
    return specular * (-1.04 * bend + r[:, 2:3]) + 1.04 * bend + r[:, 3:4]


def tone_mapped(light: Vectors) -> Vectors:
    """Linear light to 0..1: colours stay as they are up to 0.8, brighter ones are compressed toward white.

    Source: Khronos PBR Neutral tone mapper, https://modelviewer.dev/examples/tone-mapping
    """
    low = light.min(axis=1, keepdims=True)
    shifted = light - np.where(low < 0.08, low - 6.25 * low * low, 0.04)
    peak = np.maximum(shifted.max(axis=1, keepdims=True), 1e-6)
    start = 0.8 - 0.04
    room = 1 - start
    squeezed = 1 - room * room / (np.maximum(peak, start) + room - start)
    bright = shifted * squeezed / peak
    grey = 1 - 1 / (0.15 * (peak - squeezed) + 1)
    return np.where(peak < start, shifted, bright * (1 - grey) + squeezed * grey).astype(np.float32)
