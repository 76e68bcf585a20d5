"""quality level, channel profiles and wishes -> the options of the stages"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assets_pipeline.generators.registry import AUTO

TRIANGLES_MIN, TRIANGLES_MAX = 100, 100_000
"""What may be asked for. The most is Khronos' recommendation for commerce (gltf-asset-auditor, src/Schema.ts)."""

TEXTURE_SIZES = (256, 512, 1024, 2048)
"""Powers of two; above 2048 phones downsample or run out of memory (developer.apple.com/forums/thread/693867)."""


SEGMENTERS = ("u2net", "u2netp", "isnet", "birefnet")
"""The default first; the last two only by name: their weights' terms are not clearly commercial (`plinth weights`)."""


class RecipeError(ValueError):
    """The wishes contradict each other or name what does not exist; the message says which."""


@dataclass(frozen=True)
class Quality:
    """How much is spent on one asset.

    working_side: pixels that a photo's longer side is reduced to. poster_side: pixels of the poster.
    """

    segmenter: str
    working_side: int
    triangles: int
    texture_size: int
    poster_side: int


QUALITIES: Mapping[str, Quality] = {
    "draft": Quality("u2netp", working_side=1024, triangles=10_000, texture_size=1024, poster_side=512),
    "standard": Quality("u2net", working_side=2048, triangles=50_000, texture_size=2048, poster_side=1024),
    "high": Quality("u2net", working_side=3072, triangles=100_000, texture_size=2048, poster_side=2048),
}


@dataclass(frozen=True)
class Profile:
    """What one sales channel takes at most."""

    summary: str
    triangles: int = TRIANGLES_MAX
    texture_size: int = 2048
    glb_bytes: int = 5_000_000
    web_bytes: int = 2_000_000
    usdz_bytes: int = 5_000_000


PROFILES: Mapping[str, Profile] = {
    # Our own promise for a page that loads on a phone: DESIGN's table of the asset.
    "web": Profile("a viewer on the shop's own pages", triangles=50_000),
    # help.shopify.com, "3D modeling checklist": one material, about 4 MB as a rule; above 15 MB Shopify re-optimises.
    "shopify": Profile("Shopify product media", glb_bytes=15_000_000, usdz_bytes=15_000_000),
    # support.google.com/merchants/answer/13674896 (virtual_model_link): 10 MB recommended, 15 the most, textures to 2K.
    "google": Profile("Google Merchant Center and Scene Viewer", glb_bytes=10_000_000),
    # Apple, developer.apple.com/forums/thread/693867: about 100,000 polygons, one set of 2048 textures.
    "apple": Profile("AR Quick Look on iPhone and iPad", usdz_bytes=10_000_000),
}


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what is made of the photos, except the photos and hints themselves."""

    generator: str = AUTO
    quality: str = "standard"
    segmenter: str = "u2net"
    working_side: int = 2048
    triangles: int = 50_000
    texture_size: int = 2048
    poster_side: int = 1024
    glb_bytes: int = 5_000_000
    web_bytes: int = 2_000_000
    profiles: tuple[str, ...] = tuple(PROFILES)
    seed: int = 0


def make_recipe(
    quality: str = "standard",
    *,
    generator: str = AUTO,
    segmenter: str | None = None,
    triangles: int | None = None,
    texture_size: int | None = None,
    profiles: Iterable[str] = (),
    seed: int = 0,
) -> Recipe:
    """The recipe of a quality level within the limits of `profiles` (all of them when none is named).

    Raises RecipeError when a wish goes beyond a profile that was asked for by name.
    """
    level = QUALITIES[quality]
    named = tuple(dict.fromkeys(profiles))
    served = named or tuple(PROFILES)
    for name in named:
        limits = PROFILES[name]
        if triangles is not None and triangles > limits.triangles:
            raise RecipeError(f"profile {name} takes at most {limits.triangles} triangles, not {triangles}")
        if texture_size is not None and texture_size > limits.texture_size:
            raise RecipeError(f"profile {name} takes textures up to {limits.texture_size}, not {texture_size}")
    return Recipe(
        generator=generator,
        quality=quality,
        segmenter=segmenter or level.segmenter,
        working_side=level.working_side,
        triangles=triangles or min([level.triangles, *(PROFILES[name].triangles for name in named)]),
        texture_size=texture_size or min([level.texture_size, *(PROFILES[name].texture_size for name in named)]),
        poster_side=level.poster_side,
        glb_bytes=min(PROFILES[name].glb_bytes for name in served),
        web_bytes=min(PROFILES[name].web_bytes for name in served),
        profiles=served,
        seed=seed,
    )


def check_profile(
    name: str, *, triangles: int, texture_size: int, glb_bytes: int, web_bytes: int, usdz_bytes: int
) -> tuple[str, ...]:
    """What keeps a finished asset out of the channel `name`; empty when it fits."""
    limits = PROFILES[name]
    measured = {
        "triangles": (triangles, limits.triangles),
        "texture pixels a side": (texture_size, limits.texture_size),
        "bytes of model.glb": (glb_bytes, limits.glb_bytes),
        "bytes of model.web.glb": (web_bytes, limits.web_bytes),
        "bytes of model.usdz": (usdz_bytes, limits.usdz_bytes),
    }
    return tuple(f"{found} {what}, at most {most}" for what, (found, most) in measured.items() if found > most)
