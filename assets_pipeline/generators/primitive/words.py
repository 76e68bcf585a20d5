"""title and category -> what kind of product it is

A word for the product beats every image cue. The head of an English product name is its last noun ("shoe box" is a
box), and what follows "with", "for" or "of" is not the product ("vase with flowers").
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """The classes of shape that can be fitted."""

    REVOLVE_CLOSED = "revolve_closed"
    REVOLVE_OPEN = "revolve_open"
    CUBOID = "cuboid"
    EXTRUSION = "extrusion"
    FURNITURE = "furniture"
    INFLATION = "inflation"


@dataclass(frozen=True)
class Kind:
    """What a word tells. size: usual longest side in metres. depth: usual depth over width. wall: over radius.

    flat_handle: a handle lies level, as a pan's, not upright, as a mug's. plain_back: the back has no likeness to the
    front. squareness: how boxy a free form is, 2 round. spherical: looks alike from everywhere. shown_from_side: its
    side tells more of its shape than its front. content: names what a product holds or wears ("flowers", "soup"), and
    yields to any word for a container.
    """

    word: str
    family: Family
    size: float
    depth: float = 0.5
    roughness: float = 0.6
    metallic: float = 0.0
    wall: float = 0.06
    flat_handle: bool = False
    plain_back: bool = False
    content: bool = False
    squareness: float = 3.0
    spherical: bool = False
    shown_from_side: bool = False


R, O, B, E, F, I = (  # noqa: E741 - a table's column heads
    Family.REVOLVE_CLOSED,
    Family.REVOLVE_OPEN,
    Family.CUBOID,
    Family.EXTRUSION,
    Family.FURNITURE,
    Family.INFLATION,
)

KINDS: dict[str, Kind] = {}


def _define(words: str, family: Family, size: float, **more: object) -> None:
    for word in words.split():
        KINDS[word] = Kind(word, family, size, **more)  # type: ignore[arg-type]


_define("bottle flask thermos carafe decanter shampoo lotion ketchup perfume vitamin", R, 0.22, roughness=0.35)
_define("can tin canister", R, 0.11, roughness=0.4, metallic=0.3)
_define("jar candle", R, 0.12, roughness=0.3)
_define("vase urn amphora", R, 0.28, roughness=0.35)
_define("teapot kettle coffeepot moka jug pitcher", R, 0.22, roughness=0.3)
_define("ball football basketball globe sphere bauble ornament", R, 0.22, spherical=True)
_define("bulb", R, 0.11, roughness=0.2)
_define("lampshade lantern chandelier", R, 0.35)
_define("lamp light", R, 0.5)
_define("lens", R, 0.1, roughness=0.35)
_define("roll tube lipstick spool barrel drum keg pillar column candlestick trophy", R, 0.3)
_define("bowl dish casserole", O, 0.17, roughness=0.3, wall=0.055)
_define("mug cup teacup", O, 0.1, roughness=0.3, wall=0.07)
_define("glass", O, 0.12, roughness=0.1, wall=0.05, content=True)
_define("tumbler goblet beaker wineglass", O, 0.12, roughness=0.1, wall=0.05)
_define("pot planter flowerpot plantpot", O, 0.2, roughness=0.7, wall=0.08)
_define("saucepan stockpot cauldron", O, 0.3, roughness=0.35, metallic=0.4, wall=0.04, flat_handle=True)
_define("pan frypan skillet wok frying", O, 0.4, roughness=0.4, metallic=0.2, wall=0.035, flat_handle=True)
_define("bucket pail bin basket wastebasket", O, 0.35, wall=0.05)
_define("plate saucer ashtray", O, 0.26, roughness=0.3, wall=0.03)
_define("box carton pack packet package parcel cereal crackers carton juicebox tissue", B, 0.22, depth=0.4)
_define("book notebook novel magazine", B, 0.23, depth=0.16)
_define(
    "cabinet cupboard sideboard dresser chest drawer drawers nightstand commode", B, 1.1, depth=0.5, plain_back=True
)
_define("wardrobe armoire bookcase bookshelf shelf shelves locker", B, 1.8, depth=0.4, plain_back=True)
_define(
    "fridge refrigerator freezer dishwasher washer dryer oven stove cooker",
    B,
    1.2,
    depth=0.9,
    plain_back=True,
    roughness=0.4,
)
_define("microwave toaster printer scanner", B, 0.45, depth=0.75, plain_back=True)
_define("drive harddrive ssd router modem console powerbank charger battery adapter", B, 0.15, depth=0.7)
_define("speaker amplifier radio", B, 0.3, depth=0.7, plain_back=True)
_define("suitcase trunk briefcase luggage", B, 0.65, depth=0.45)
_define("crate brick soap safe cube block carton", B, 0.3, depth=0.6)
_define("phone smartphone tablet ipad ereader", E, 0.16, depth=0.05, plain_back=True, roughness=0.3)
_define("case cover sleeve", E, 0.16, depth=0.08)
_define("picture painting poster print canvas frame mirror sign plaque board", E, 0.6, depth=0.04, plain_back=True)
_define("rug carpet mat towel blanket flag card postcard tray coaster tile", E, 0.6, depth=0.03)
_define(
    "clock watch coin medal key keyboard spoon fork knife scissors spatula ruler", E, 0.25, depth=0.12, plain_back=True
)
_define("chair armchair seat recliner rocker", F, 0.9, depth=0.95, roughness=0.75)
_define("sofa couch loveseat settee", F, 2.0, depth=0.42, roughness=0.8)
_define("stool barstool footstool", F, 0.6, depth=1.0)
_define("bench", F, 1.2, depth=0.35)
_define("table desk workbench", F, 1.3, depth=0.55, roughness=0.5)
_define("bed daybed", F, 2.0, depth=1.3, roughness=0.8)
_define(
    "shoe sneaker boot sandal trainer loafer slipper heel plimsoll hitop",
    I,
    0.29,
    depth=0.38,
    roughness=0.75,
    shown_from_side=True,
)
_define(
    "shoes sneakers boots sandals trainers loafers slippers heels plimsolls",
    I,
    0.29,
    depth=0.6,
    roughness=0.75,
    shown_from_side=True,
)
_define("bag handbag backpack purse tote rucksack", I, 0.4, depth=0.4, roughness=0.7)
_define("pillow cushion beanbag pouf", I, 0.45, depth=0.4, roughness=0.9)
_define("toy doll teddy plush figure figurine statue bust animal skull", I, 0.25, depth=0.7, roughness=0.7)
_define("camera", I, 0.14, depth=0.7, plain_back=True, roughness=0.5, squareness=4.5)
_define("hat cap helmet glove mitten scarf shirt jacket dress sweater", I, 0.4, depth=0.5, roughness=0.85)
_define("drill tool hammer wrench plier iron hairdryer blender mixer", I, 0.25, depth=0.35)
_define("guitar violin headphones headset mouse controller gamepad", I, 0.3, depth=0.35, plain_back=True)
_define(
    "plant bonsai cactus flower flowers bouquet tree succulent tulip tulips rose roses fern leaf",
    I,
    0.35,
    depth=0.9,
    content=True,
    roughness=0.8,
)
_define("soup tomato coffee tea milk juice water beer wine cereal", R, 0.15, content=True)
_define("espresso cappuccino macchiato latte", O, 0.1, roughness=0.3, wall=0.07, content=True)
_define("furniture", B, 1.0, content=True)

_PLURALS = (
    ("ies", "y"),
    ("ves", "f"),
    ("ves", "fe"),
    ("ses", "s"),
    ("xes", "x"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("s", ""),
)
_AFTER_PRODUCT = re.compile(r"\b(with|for|of|from|by|in|on|and)\b|[,;:(|–—]| - ")
_PHOTO_WORDS = {"picture", "frame", "cover", "camera", "print", "canvas", "board"}
"""What photo files are called whatever they show."""


def kind_of(title: str, category: str) -> Kind | None:
    """The kind that the title's own head names, else the category, else any product in the title; or None."""
    for text in (_AFTER_PRODUCT.split(title.lower(), maxsplit=1)[0], category.lower(), title.lower()):
        found = [kind for kind in map(_lookup, re.findall(r"[a-z]+", text)) if kind]
        solid = [kind for kind in found if not kind.content]
        if solid:
            return solid[-1]
    for text in (title.lower(), category.lower()):
        found = [kind for kind in map(_lookup, re.findall(r"[a-z]+", text)) if kind]
        if found:
            return found[-1]
    return None


def kind_in_file_name(name: str) -> Kind | None:
    """What a photo's file name says: merchants who type no title still name their photos.

    Furniture beside another product is where that product lies ("cup_table.jpg").
    """
    words = re.findall(r"[a-z]+", name.rsplit(".", 1)[0].lower())
    found = [kind for kind in map(_lookup, words) if kind and not kind.content and kind.word not in _PHOTO_WORDS]
    products = [kind for kind in found if kind.family != Family.FURNITURE]
    named = products or found
    return named[-1] if named else None


def _lookup(word: str) -> Kind | None:
    if word in KINDS:
        return KINDS[word]
    for ending, single in _PLURALS:
        if word.endswith(ending) and word[: -len(ending)] + single in KINDS:
            return KINDS[word[: -len(ending)] + single]
    return None
