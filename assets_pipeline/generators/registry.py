"""name -> generator, what each needs to run here, and which one `auto` takes"""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from assets_pipeline.errors import InputRejected, Unavailable
from assets_pipeline.protocols import GeneratorSpec, ImageTo3D

AUTO = "auto"


def primitive() -> ImageTo3D:
    """Fits the product's class: box, solid of revolution, plate, inflated silhouette."""
    from assets_pipeline.generators.primitive import PrimitiveGenerator

    return PrimitiveGenerator()


GENERATORS: Mapping[str, Callable[[], ImageTo3D]] = {"primitive": primitive}
"""Best first: `auto` takes the first that fits. Only what is implemented is listed; nothing loads until called."""


@dataclass(frozen=True)
class Choice:
    """The generator that will run, and why it and no other."""

    generator: ImageTo3D
    why: str


def why_not_here(spec: GeneratorSpec, has_weights: Callable[[str], bool]) -> str:
    """What this machine lacks for `spec`, one phrase; empty when it can run."""
    missing = [name for name in spec.packages if importlib.util.find_spec(name) is None]
    if missing:
        return f"needs the Python packages {', '.join(missing)}"
    if spec.device == "cuda" and not has_cuda():
        return f"needs an NVIDIA GPU with {spec.vram_gb:g} GB"
    absent = [name for name in spec.weights if not has_weights(name)]
    if absent:
        return f"needs weights: plinth weights fetch {' '.join(absent)}"
    return ""


def why_not_these(spec: GeneratorSpec, photos: int) -> str:
    """What keeps `spec` from working on that many photos, one phrase; empty when nothing does."""
    if photos < spec.min_views:
        return f"takes {spec.min_views} photos or more"
    if photos > spec.max_views:
        return f"takes {spec.max_views} photo{'s' if spec.max_views > 1 else ''} at most"
    return ""


def choose(
    name: str,
    photos: int,
    has_weights: Callable[[str], bool],
    generators: Mapping[str, Callable[[], ImageTo3D]] = GENERATORS,
) -> Choice:
    """The generator `name`, or for `auto` the best that this machine and that many photos allow.

    Raises InputRejected when the photos do not suit, Unavailable when the machine does not.
    """
    if name != AUTO:
        generator = generators[name]()
        if lack := why_not_these(generator.spec, photos):
            raise InputRejected("photos_unsuitable", f"The generator {name} {lack}; {photos} given.")
        if lack := why_not_here(generator.spec, has_weights):
            raise Unavailable("generator_unavailable", f"The generator {name} cannot run here: it {lack}.")
        return Choice(generator, "asked for by name")
    passed_over: list[str] = []
    suited = False
    for other, make in generators.items():
        generator = make()
        lack = why_not_these(generator.spec, photos) or why_not_here(generator.spec, has_weights)
        if not lack:
            first = f"the best that can run here on {photos} photo{'s' if photos > 1 else ''}"
            return Choice(generator, "; ".join([first, *passed_over]))
        passed_over.append(f"{other} {lack}")
        suited = suited or not why_not_these(generator.spec, photos)
    if not suited:
        raise InputRejected("photos_unsuitable", f"No generator takes {photos} photos: {'; '.join(passed_over)}.")
    raise Unavailable("no_generator", f"No generator can run here: {'; '.join(passed_over)}.")


def has_cuda() -> bool:
    """Whether torch is installed and sees an NVIDIA GPU."""
    if importlib.util.find_spec("torch") is None:
        return False
    import torch

    return bool(torch.cuda.is_available())
