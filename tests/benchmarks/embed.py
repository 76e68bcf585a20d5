"""a product page, cold -> bytes before interaction, seconds to the first picture and to a model that turns

Ours beside a page with plain model-viewer, with the same model, poster and servers, in the same run: each visit has a
browser with an empty profile, a throttled network and a throttled processor. The first picture is looked for in what
the browser paints, whoever paints it.
"""

import base64
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops
from playwright.sync_api import CDPSession, Page, Playwright, sync_playwright

from infra.engines import valkey
from tests.benchmarks import command
from tests.benchmarks.objects import ROOT
from tests.benchmarks.service import environment
from tests.browser.chromium import PHONE, browser
from tests.browser.embed.website import Shop, running_shop
from tests.engines import start_seaweedfs
from tests.service.processes import Service, running

VISITS = int(os.environ.get("BENCH_VISITS", "5"))
MUG = ROOT / "samples" / "mug" / "three-quarter.jpg"
NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8}
"""Bytes a second and milliseconds: a slow mobile connection, as Chromium's own tools name it."""

SLOWER = 2
"""Times; this machine draws in software, which is slow enough."""

QUIET_SECONDS = 4
"""Without a request that long, a page has loaded what it loads by itself."""

LONGEST_SECONDS = 120
CHANGED_SHARE = 0.02
"""Of the picture's place: so much has another colour than the page once there is a picture."""

READY = {
    "ours": "window.ready",
    "plain": "document.querySelector('model-viewer')?.loaded === true",
}
WATCH = "addEventListener('plinth:load', () => { window.ready = true; })"
STYLE = "<style>body { margin: 0 } h1, p { font-size: 1rem } .place { width: 360px }</style>"


def measure_embed() -> dict[str, Any]:
    """Page -> medians over `VISITS`, and the single visits."""
    run = command.make("mug", [str(MUG), "--title", "Coffee mug", "--height-mm", "95"], part="embed")
    assert run.status == 0, run.said
    with site(run.folder) as (service, product), running_shop() as shop, sync_playwright() as playwright:
        pages = {"plain": plain_page(service, product, shop), "ours": our_page(service, product, shop)}
        visits: dict[str, list[dict[str, float]]] = {name: [] for name in pages}
        for _ in range(VISITS):
            for name, url in pages.items():  # by turns: a machine that others use slows both
                visits[name].append({**visit(playwright, name, url), "bytes": rest(playwright, url)})
    return {name: {**medians(found), "visits": found} for name, found in visits.items()}


def medians(visits: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(visit[key] for visit in visits) for key in visits[0]}


def visit(playwright: Playwright, name: str, url: str) -> dict[str, float]:
    """Seconds from the visit's start to the first picture and to a model that turns; ours is tapped at once."""
    with throttled(playwright) as (page, session):
        frames: list[tuple[float, bytes]] = []

        def keep(event: Mapping[str, Any]) -> None:
            frames.append((event["metadata"]["timestamp"], base64.b64decode(event["data"])))
            session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

        session.on("Page.screencastFrame", keep)
        session.send("Page.startScreencast", {"format": "png", "everyNthFrame": 1})
        page.add_init_script(WATCH)
        page.goto(url, wait_until="commit")
        if name == "ours":
            page.get_by_role("button", name="View in 3D").click(timeout=1000 * LONGEST_SECONDS)
        ready = wait_for(page, lambda: page.evaluate(READY[name]))
        start = page.evaluate("performance.timeOrigin") / 1000
        page.wait_for_timeout(1000)  # the last frames are on their way
    return {"picture_seconds": first_picture(frames) - start, "model_seconds": ready - start}


def rest(playwright: Playwright, url: str) -> float:
    """Bytes over the wire, headers too, of a visit that nobody does anything in."""
    with throttled(playwright) as (page, session):
        total, last = 0.0, time.monotonic()

        def add(event: Mapping[str, Any]) -> None:
            nonlocal total, last
            total, last = total + event["encodedDataLength"], time.monotonic()

        session.on("Network.loadingFinished", add)
        session.on("Network.dataReceived", lambda event: add({"encodedDataLength": 0}))
        page.goto(url)
        wait_for(page, lambda: time.monotonic() - last > QUIET_SECONDS)
    return total


@contextmanager
def throttled(playwright: Playwright) -> Iterator[tuple[Page, CDPSession]]:
    """A page in a browser that has never been anywhere."""
    with tempfile.TemporaryDirectory() as profile, browser(playwright, Path(profile), PHONE) as context:
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", NETWORK)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        yield page, session


def wait_for(page: Page, true: Callable[[], object]) -> float:
    """When it was so, seconds since 1970."""
    end = time.monotonic() + LONGEST_SECONDS
    while not true():
        assert time.monotonic() < end, f"nothing within {LONGEST_SECONDS} s"
        page.wait_for_timeout(50)
    return time.time()


def first_picture(frames: list[tuple[float, bytes]]) -> float:
    """When the first frame was painted that has a picture in the middle of its place."""
    for at, data in frames:
        image = Image.open(io.BytesIO(data)).convert("L")
        middle = image.crop((0, 60, image.width, 60 + image.width))
        middle = middle.crop((middle.width // 4, middle.height // 4, 3 * middle.width // 4, 3 * middle.height // 4))
        changed = ImageChops.difference(middle, Image.new("L", middle.size, 255)).point(
            lambda value: 255 * (value > 24)
        )
        if changed.histogram()[255] > CHANGED_SHARE * middle.width * middle.height:
            return at
    raise AssertionError("no picture was painted")


def our_page(service: Service, product: str, shop: Shop) -> str:
    """As docs/embed.md has it."""
    poster = f"{service.url}/s/{product}/poster.webp"
    style = """<style>plinth-viewer { display: block; position: relative; aspect-ratio: 1 }
    plinth-viewer > img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain }</style>"""
    body = f"""<script type="module" src="{service.url}/embed.js"></script><div class="place">
    <plinth-viewer product="{product}"><img src="{poster}" alt="A mug" width="1024" height="1024"></plinth-viewer>
    </div>"""
    return shop.page(body, "/ours", STYLE + style)


def plain_page(service: Service, product: str, shop: Shop) -> str:
    """As model-viewer's own documentation has it, with a poster, and with the smaller file that needs one more line."""
    files = service_json(service, f"/s/{product}.json")["files"]
    static = json.loads((Path(service.environ["HOSTED_STATIC"]) / "staticfiles.json").read_text())["paths"]
    at = {name: f"{service.url}/static/{static[name]}" for name in ("vendor/model-viewer.min.js", "embed/none.js")}
    head = f"""<script>self.ModelViewerElement = {{ meshoptDecoderLocation: "{at["embed/none.js"]}" }};</script>
    <script type="module" src="{at["vendor/model-viewer.min.js"]}"></script>
    <style>model-viewer {{ width: 360px; height: 360px }}</style>"""
    body = f"""<div class="place"><model-viewer src="{files["model.web.glb"]["url"]}" alt="A mug"
    poster="{files["poster.webp"]["url"]}" camera-controls touch-action="pan-y" ar shadow-intensity="1"
    tone-mapping="neutral"></model-viewer></div>"""
    return shop.page(body, "/plain", STYLE + head)


def service_json(service: Service, path: str) -> Any:
    import requests

    return requests.get(service.url + path, timeout=10).json()


@contextmanager
def site(files: Path) -> Iterator[tuple[Service, str]]:
    """Our web process with static files as in production, and the id of the product that it shows."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        broker, store = valkey.start(place / "valkey"), start_seaweedfs(place / "seaweedfs")
        own = {"DJANGO_SETTINGS_MODULE": "tests.browser.hosted", "HOSTED_STATIC": str(place / "static")}
        (place / "static").mkdir()
        try:
            environ = environment(place, broker, store) | own
            with running(environ, place) as service:
                service.manage("collectstatic", "--noinput", "--verbosity", "0")
                service.stop("web")
                service.start_web()  # static files are listed when it starts
                yield service, publish(service, files)
        finally:
            store.stop()
            broker.stop()


def publish(service: Service, files: Path) -> str:
    """Publish the files as a product's; its id."""
    code = "import django; django.setup(); from tests.benchmarks.embed import publish_files; print(publish_files())"
    environ = service.environ | {"BENCH_FILES": str(files)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout.split()[-1]


def publish_files() -> str:
    """In a process of the service: the folder BENCH_FILES becomes a published product."""
    from catalog.models import Merchant, Product
    from catalog.versions import SHOWN
    from tests.browser.embed.shops import show

    folder = Path(os.environ["BENCH_FILES"])
    merchant = Merchant.objects.create(name="Bench", slug="bench")
    product = Product.objects.create(merchant=merchant, sku="mug", title="Coffee mug")
    show(product, {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name in SHOWN})
    return product.public_id
