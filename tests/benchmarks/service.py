"""the running service -> requests a second, latencies, jobs an hour, memory: `make bench-service`

Real engines, one web process, one dispatcher, one worker, wrk as the load. Each size of catalogue gets a database of
its own; the figures of both stand side by side, so that growth shows.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from infra.engines import valkey
from infra.engines.engine import Engine
from tests.benchmarks.objects import ROOT
from tests.engines import ACCESS_KEY, SECRET_KEY, start_seaweedfs
from tests.service.client import ENDED, Client
from tests.service.processes import Service, running, wait_until

SIZES = (1_000, 100_000)
SECONDS, CONNECTIONS = 10, 8
STANDARD_JOBS = 3
MUG = ROOT / "samples" / "mug" / "three-quarter.jpg"


def measure_service() -> dict[str, Any]:
    """Catalogue size -> endpoint -> load figures, and what one worker does."""
    assert shutil.which("wrk"), "the load comes from wrk (Debian: apt-get install wrk)"
    found: dict[str, Any] = {"load": {}}
    with tempfile.TemporaryDirectory() as folder:
        broker = valkey.start(Path(folder) / "valkey")
        store = start_seaweedfs(Path(folder) / "seaweedfs")
        try:
            for products in SIZES:
                place = Path(folder) / str(products)
                place.mkdir()
                environ = environment(place, broker, store)
                with running(environ, place) as service:
                    found["load"][str(products)] = measure_load(service, products)
                    if products == SIZES[0]:
                        found["jobs"] = measure_jobs(service)
        finally:
            store.stop()
            broker.stop()
    return found


def environment(place: Path, broker: Engine, store: Engine) -> dict[str, str]:
    return {
        "DEMO": "true",
        "DATABASE_URL": f"sqlite:{place / 'plinth.sqlite3'}",
        "BROKER_URL": f"{broker.url}/0",
        "CACHE_URL": f"{broker.url}/1",
        "S3_ENDPOINT_URL": store.url,
        "S3_ACCESS_KEY_ID": ACCESS_KEY.reveal(),
        "S3_SECRET_ACCESS_KEY": SECRET_KEY.reveal(),
        "S3_BUCKET": f"bench-{place.name}",
        "LOG_LEVEL": "WARNING",
        "API_READS_PER_MINUTE": "100000000",
        "API_WRITES_PER_MINUTE": "100000000",
    }


def measure_load(service: Service, products: int) -> dict[str, Any]:
    """Endpoint -> figures of `wrk`, with that many products in the catalogue."""
    seeded = json.loads(seed(service, products))
    addresses = {
        "manifest": (f"{service.url}/s/{seeded['product']}.json", ""),
        "job status": (f"{service.url}/api/v1/jobs/{seeded['job']}", seeded["key"]),
        "product list": (f"{service.url}/api/v1/products?limit=50", seeded["key"]),
    }
    return {name: drive(*address) for name, address in addresses.items()} | {"web_rss_mb": rss_mb(service, "web")}


def seed(service: Service, products: int) -> str:
    """Fill the catalogue; JSON with a product, a job and a key of it."""
    command = [sys.executable, "-m", "tests.benchmarks.seed", str(products)]
    done = subprocess.run(command, cwd=ROOT, env=service.environ, capture_output=True, text=True, check=True)
    return done.stdout


def drive(url: str, key: str) -> dict[str, float]:
    """One load: a second to warm up, then `SECONDS` at `CONNECTIONS` connections."""
    script = str(Path(__file__).with_name("load.lua"))
    figures: dict[str, float] = {}
    for seconds in (1, SECONDS):
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", script, url]
        environ = {"PATH": os.environ["PATH"], "BENCH_KEY": key}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
        figures = json.loads(done.stdout.strip().splitlines()[-1])
    assert not figures["bad"], f"{url}: {figures['bad']:.0f} of {figures['requests']:.0f} requests failed"
    return figures | {"per_second": figures["requests"] / figures["seconds"]}


def measure_jobs(service: Service, jobs: int = 10) -> dict[str, Any]:
    """What one worker makes of draft jobs: seconds from request to start when idle, jobs an hour, its memory."""
    client = Client(service.url, json.loads(seed(service, 0))["key"])
    service.start_worker("worker")
    photo = MUG.read_bytes()
    products = []
    for number in range(jobs + 6 + STANDARD_JOBS):
        wish = {"sku": f"BENCH-{number}", "title": "Coffee mug", "height": 0.1}
        products.append(client.ask("POST", "products", expect=201, json=wish)["id"])
        client.upload(products[-1], "mug.jpg", photo, "three-quarter")
    make_all(client, products[:1])  # warms up: models, numba, Node
    starts = [start_latency(client, product) for product in products[1:6]]
    began = time.perf_counter()
    ended = make_all(client, products[6 : 6 + jobs])
    seconds = time.perf_counter() - began
    assert {job["status"] for job in ended} <= {"published", "needs_review"}, ended
    return {
        "start_seconds": statistics.median(starts),
        "jobs_per_hour": 3600 * len(ended) / seconds,
        "overhead": [overhead(client, product) for product in products[6 + jobs :]],
        "worker_rss_mb": rss_mb(service, "worker"),
    }


def start_latency(client: Client, product: str) -> float:
    """Seconds from the request until a worker has begun, the queue being empty."""
    from datetime import datetime

    job = make_all(client, [product])[0]
    created, started = (datetime.fromisoformat(job[name]) for name in ("created_at", "started_at"))
    return (started - created).total_seconds()


def overhead(client: Client, product: str) -> dict[str, float]:
    """A standard job, alone: its seconds from request to end, and those that its stages ran in.

    What lies between is the service's share: queue, leases, checkpoints, the photo from the store, the version's row.
    """
    from datetime import datetime

    job = make_all(client, [product], quality="standard")[0]
    created, ended = (datetime.fromisoformat(job[name]) for name in ("created_at", "ended_at"))
    stages = sum(data["seconds"] or 0 for event, data in client.events(job["id"]) if event == "stage")
    return {"seconds": (ended - created).total_seconds(), "stage_seconds": stages}


def make_all(client: Client, products: list[str], *, quality: str = "draft") -> list[dict[str, Any]]:
    """Request an asset of each and wait until all have ended."""
    wish = {"quality": quality}
    jobs = [client.ask("POST", f"products/{product}/assets", expect=202, json=wish)["id"] for product in products]
    ended: dict[str, dict[str, Any]] = {}

    def all_ended() -> bool:
        for job in jobs:
            if job not in ended:
                state = client.ask("GET", f"jobs/{job}", expect=200)
                ended.update({job: state} if state["status"] in ENDED else {})
        return len(ended) == len(jobs)

    wait_until(all_ended, seconds=120 + 60 * len(jobs), what="all jobs end")
    return [ended[job] for job in jobs]


def rss_mb(service: Service, name: str) -> int:
    """Resident memory of a process and its children, in MB (10^6 bytes)."""
    process = psutil.Process(service.processes[name].pid)
    return round(sum(p.memory_info().rss for p in [process, *process.children(recursive=True)]) / 1e6)
