"""A shop's own website, on another origin than ours"""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image


@dataclass
class Shop:
    """A website. pages: path -> HTML. headers: sent with every page. asked: paths in order."""

    url: str = ""
    pages: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def page(self, body: str, path: str = "/", head: str = "", lang: str = "en") -> str:
        """Serve a page with that body; its address."""
        self.pages[path] = (
            f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>A shop</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">{head}'
            f"</head><body><main><h1>A shop</h1>{body}</main></body></html>"
        )
        return self.url + path


@contextmanager
def running_shop() -> Iterator[Shop]:
    """A website on a free port of loopback."""
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            shop.asked.append(self.path)
            path = self.path.partition("?")[0]
            picture = shop.pictures.get(path)
            body = picture or shop.pages.get(path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "image/png" if picture else "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            for name, value in shop.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    shop.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def red_square(size: int = 64) -> bytes:
    """A shop's own photo."""
    stream = io.BytesIO()
    Image.new("RGB", (size, size), (200, 30, 30)).save(stream, "PNG")
    return stream.getvalue()
