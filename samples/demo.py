"""sample photos -> assets under a folder, and one page that shows them all; what `make demo-files` runs"""

import html
import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from skimage import data

SAMPLES = Path(__file__).parent
PLINTH = [sys.executable, "-m", "assets_pipeline"]
PHOTOS = {
    "mug": "three-quarter",
    "bottle": "front",
    "carton": "three-quarter",
    "lamp": "three-quarter",
    "chair": "three-quarter",
    "shoe": "left",
}


@dataclass(frozen=True)
class Item:
    """One asset to make."""

    name: str
    photo: Path
    options: tuple[str, ...]
    view: str = ""

    @property
    def arguments(self) -> list[str]:
        """What follows `plinth make`, but for the folder."""
        photo = os.path.relpath(self.photo)
        return [*([f"--view={self.view}={photo}"] if self.view else [photo]), *self.options]


def items(folder: Path) -> list[Item]:
    """Our own products with their true height, and scikit-image's photo of a coffee cup with a title alone."""
    products = json.loads((SAMPLES / "products.json").read_text())
    own = [
        Item(
            name,
            SAMPLES / name / f"{view}.jpg",
            (
                f"--title={products[name]['title']}",
                f"--category={products[name]['category']}",
                f"--height-mm={products[name]['height_mm']}",
            ),
            view,
        )
        for name, view in PHOTOS.items()
    ]
    coffee = folder / "photos" / "coffee.png"
    coffee.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(data.coffee()).save(coffee)
    return [*own, Item("coffee", coffee, ("--title=Coffee cup",))]


def make(item: Item, out: Path) -> bool:
    """Run `plinth make`; True when it made the asset. What it says goes straight to the terminal."""
    arguments = ["make", *item.arguments, f"--out={out}"]
    print(f"\nplinth {shlex.join(arguments)}", flush=True)
    return subprocess.run([*PLINTH, *arguments], check=False).returncode == 0


def index(folder: Path, made: list[Item]) -> Path:
    """One page with every poster, each a link to its viewer."""
    cards = "\n".join(
        f'<a href="{name}/preview.html"><img src="{name}/poster.webp" alt=""><b>{html.escape(name)}</b></a>'
        for name in (item.name for item in made)
    )
    page = folder / "index.html"
    page.write_text(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<title>Plinth demo</title><style>body{font:16px system-ui;margin:2rem;background:#f4f4f2;color:#222}"
        "main{display:grid;grid-template-columns:repeat(auto-fill,minmax(14rem,1fr));gap:1rem}"
        "a{background:#fff;border-radius:12px;padding:1rem;text-align:center;color:inherit;text-decoration:none}"
        f"img{{width:100%}}</style><h1>From one photo each</h1><main>\n{cards}\n</main></html>\n"
    )
    return page


def main() -> int:
    """Make everything; 1 when an asset could not be made."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    wanted = items(folder)
    made = [item for item in wanted if make(item, folder / item.name)]
    print(f"\n{len(made)} of {len(wanted)} assets made. Open {index(folder, made).resolve()} in a browser.")
    return 0 if len(made) == len(wanted) else 1


if __name__ == "__main__":
    sys.exit(main())
