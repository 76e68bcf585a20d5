"""the catalogue's states and codes -> what a shopkeeper reads"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.models import AssetJob, JobEvent, Kind, Status
from catalog.recipe import Recipe

STAGES: Mapping[str, str] = {
    "inspect": "Looking at your photos",
    "segment": "Cutting the product out of its background",
    "generate": "Building the shape",
    "adopt": "Reading your model",
    "edit": "Making your changes",
    "reuse": "Keeping what need not change",
    "clean": "Tidying the shape",
    "decimate": "Making it light enough for phones",
    "unwrap": "Laying out the surface",
    "bake": "Putting your photos on the surface",
    "export_glb": "Saving it for the web and Android",
    "export_usdz": "Saving it for iPhone and iPad",
    "render": "Taking its picture",
    "certify": "Checking it against your photos",
    "compare": "Preparing the comparison with your photos",
    "preview": "Preparing the preview",
    "store": "Putting it away safely",
}
"""Stage -> what happens in it."""

PHASES: Sequence[tuple[str, frozenset[str]]] = (
    ("Photos", frozenset({"inspect", "segment"})),
    ("Shape", frozenset({"generate", "adopt", "edit", "reuse", "clean", "decimate"})),
    ("Surface", frozenset({"unwrap", "bake"})),
    ("Files", frozenset({"export_glb", "export_usdz", "render"})),
    ("Check", frozenset({"certify", "compare", "preview", "store"})),
)
"""What stages are to people, in order."""

QUALITIES: Mapping[str, tuple[str, str]] = {
    "draft": ("Draft", "A quick look, to see whether the photos will do."),
    "standard": ("Standard", "For your shop: light on phones, sharp enough to look closely."),
    "high": ("High", "More detail and a larger file, for products with fine ornament."),
}

PROFILES: Mapping[str, str] = {
    "web": "Your own web pages",
    "shopify": "Shopify",
    "google": "Google Merchant Center",
    "apple": "iPhone and iPad (AR Quick Look)",
}

GRADES: Mapping[str, tuple[str, str]] = {
    "A": ("Grade A", "True to your photos and to the size you gave. It may go into your shop."),
    "B": ("Grade B", "A good model, but not everything could be checked. Turn it once before you publish it."),
    "C": ("Grade C", "Partly guessed, because no photo shows enough. Look at it closely before you publish it."),
}

LEVELS: Mapping[str, str] = {"note": "Good to know", "usable": "Could be better", "retake": "Please retake"}
"""Level of a remark about a photo -> in words."""

VIEW_HELP: Mapping[str, str] = {
    "front": "Front",
    "back": "Back",
    "left": "Left side",
    "right": "Right side",
    "top": "Top",
    "bottom": "Bottom",
    "three-quarter": "From the corner",
}

SHOWN_BY_BROWSERS = frozenset({"image/jpeg", "image/png", "image/webp", "image/avif", "image/gif", "image/bmp"})
"""HEIC and TIFF are not: a card says so instead of showing a broken picture."""

WHAT_TO_DO: Mapping[str, str] = {
    "product_fills_frame": "Take the photo again from further away, so that some background shows all around.",
    "product_too_small": "Take the photo again from closer, so that the product fills most of it.",
    "several_products": "Take a photo of the product alone, or remove this photo.",
    "no_product_found": "Take the photo again in front of a plain wall or paper.",
    "photos_unsuitable": "Add or remove photos, or let us choose how the shape is made.",
    "dimensions_contradict": "Check the size and its unit.",
    "licence_excluded": "Choose another way to make the shape, or state country and revenue in the settings.",
    "no_photos": "Add a photo, then make the model again.",
    "photo_gone": "Make the model again from the photos that are left.",
    "photo_changed": "Remove that photo and add it again.",
    "recipe_refused": "Choose other settings below.",
    "recipe_unknown": "Choose other settings below.",
}
"""Why a job was rejected -> what the merchant does next; the job's own advice says what is wrong."""


@dataclass(frozen=True)
class Phase:
    """A part of the work. state: "done", "now" or "later"."""

    name: str
    state: str


def stage_words(job: AssetJob) -> str:
    """What happens to an active job at this moment."""
    if job.cancel_requested_at:
        return "Stopping"
    if job.status == Status.RUNNING:
        return STAGES.get(job.stage, "Starting")
    return "Waiting for its turn"


def phases_of(job: AssetJob) -> list[Phase]:
    """How far a job is, in a few words."""
    names = [phase for phase in PHASES if job.kind == Kind.MAKE or phase[0] != "Photos"]
    now = next((number for number, (_, stages) in enumerate(names) if job.stage in stages), -1)
    return [
        Phase(name, "done" if number < now else "now" if number == now else "later")
        for number, (name, _) in enumerate(names)
    ]


def kind_words(job: AssetJob) -> str:
    """What a job was asked to do."""
    recipe = Recipe.from_json(job.recipe)
    quality = QUALITIES.get(recipe.quality, (recipe.quality, ""))[0].lower()
    match job.kind:
        case Kind.EDIT:
            return "Changes to a version"
        case Kind.UPLOAD:
            return "Your own model"
    return f"Model from photos, {quality} quality"


def event_words(event: JobEvent) -> str:
    """One line of a job's history."""
    match event.kind:
        case "stage" if event.seconds is None:
            return STAGES.get(event.stage, event.stage)
        case "stage":
            return f"{STAGES.get(event.stage, event.stage)}: done in {event.seconds:.1f} s"
        case "lease":
            return {
                "claimed": "A worker began.",
                "lost": "The worker was lost; another one goes on.",
                "handed_back": "The worker was restarted; another one goes on.",
            }.get(event.reason, event.text or event.reason)
        case "status":
            words = {
                Status.QUEUED: "Waiting for its turn.",
                Status.RUNNING: "Being made.",
                Status.NEEDS_REVIEW: "Finished, for you to look at.",
                Status.PUBLISHED: "Published.",
                Status.REJECTED: "Stopped: something is needed from you.",
                Status.FAILED: "Failed on our side.",
                Status.CANCELLED: "Cancelled.",
            }[Status(event.status)]
            return f"{words} {event.text}".strip()
    return event.text
