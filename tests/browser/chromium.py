"""Chromium through Playwright, as a stranger's browser: an empty profile, loopback alone, every complaint kept"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Playwright

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"

PHONE, DESK = (360, 780), (1440, 900)
"""The widths that every page is looked at in."""

PAGE_MS = 60_000
"""A page on a busy machine that draws in software."""

FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)

AXE_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@dataclass
class Watched:
    """A page and its complaints (exceptions, the console's errors and warnings) and the addresses it requested."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def foreign(self, *origins: str) -> list[str]:
        """Requests that went to another origin than these."""
        return [url for url in self.requests if "{0.scheme}://{0.netloc}".format(urlsplit(url)) not in origins]

    def overflow(self) -> int:
        """CSS pixels that the page is wider than its window; more than 0 means sideways scrolling."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the page as it stands: rule, and the elements it is about."""
        # Evaluated by the debugger, not added as an element: the page's own policy lets no foreign script in.
        self.page.evaluate(AXE.read_text())
        options = {"runOnly": {"type": "tag", "values": list(AXE_TAGS)}}
        found = self.page.evaluate("options => axe.run(document, options)", options)
        return [
            f"{rule['id']}: {rule['help']}: {json.dumps([node['target'] for node in rule['nodes']])}"
            for rule in found["violations"]
        ]


@contextmanager
def browser(
    playwright: Playwright, profile: Path, size: tuple[int, int] = DESK, **options: Any
) -> Iterator[BrowserContext]:
    """A browser with a window of `size`. options: Playwright's, such as `color_scheme="dark"` or `has_touch=True`."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert executable, "no Chromium on this machine: `make chromium` installs it"
    context = playwright.chromium.launch_persistent_context(
        str(profile),
        executable_path=executable,
        headless=True,
        args=list(FLAGS),
        viewport={"width": size[0], "height": size[1]},
        **options,
    )
    context.set_default_timeout(PAGE_MS)
    try:
        yield context
    finally:
        context.close()


def watch(context: BrowserContext) -> Watched:
    """A new page whose complaints and requests are kept."""
    watched = Watched(context.new_page())
    watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    watched.page.on(
        "console",
        lambda message: message.type in {"error", "warning"} and watched.complaints.append(message.text),
    )
    watched.page.on(
        "request",
        lambda request: request.url.startswith(("data:", "blob:")) or watched.requests.append(request.url),
    )
    return watched
