"""A door in front of the S3 server that refuses some requests as a server does that denies them"""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

DENIED = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


def nothing(method: str, path: str) -> bool:
    """Refuses nothing."""
    return False


@dataclass
class Door:
    """url: where the server seems to be. refuses: asked with each request's method and path."""

    url: str = ""
    refuses: Callable[[str, str], bool] = nothing
    refused: list[str] = field(default_factory=list)


def writes_to(part: str, *, after: int = 0) -> Callable[[str, str], bool]:
    """Refuses what is written to paths with `part` in them, from that many on."""
    left = iter(range(after))

    def refuses(method: str, path: str) -> bool:
        return method in {"PUT", "POST"} and part in path and next(left, None) is None

    return refuses


@contextmanager
def door_to(server: str) -> Iterator[Door]:
    """Passes on to `server` whatever the door does not refuse, signatures and all."""
    door = Door()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if door.refuses(self.command, self.path):
                door.refused.append(self.path)
                self.answer(403, {"Content-Type": "application/xml"}, DENIED)
                return
            connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=20)
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in {"expect", "connection"}:
                    connection.putheader(name, value)
            connection.endheaders(body)
            found = connection.getresponse()
            self.answer(found.status, dict(found.getheaders()), found.read())
            connection.close()

        def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in {"connection", "transfer-encoding", "date", "server", "content-length"}:
                    self.send_header(name, value)
            length = headers.get("Content-Length") if self.command == "HEAD" else str(len(body))
            self.send_header("Content-Length", length or "0")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = pass_on  # noqa: N815 - http.server's names

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Says nothing."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    thread = threading.Thread(target=listener.serve_forever, args=(0.05,))
    thread.start()
    door.url = f"http://127.0.0.1:{listener.server_port}"
    try:
        yield door
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()
