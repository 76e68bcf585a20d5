"""A web server on loopback whose every byte the test decides."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

TLS = Path(__file__).parent / "tls"

Answer = Callable[[str], Iterable[bytes]]
"""The request's head as text -> what is sent, piece by piece; then the connection is closed."""


@dataclass
class Web:
    """A running server; `requests` are the heads of what it was asked."""

    port: int
    requests: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serve(answer: Answer, *, certificate: Path | None = None) -> Iterator[Web]:
    """Answer every connection by `answer`, in a thread for each."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        web = Web(listener.getsockname()[1])
        over = threading.Event()
        thread = threading.Thread(target=accept, args=(listener, web, answer, certificate, over))
        thread.start()
        try:
            yield web
        finally:
            over.set()
            with suppress(OSError), socket.create_connection(("127.0.0.1", web.port), timeout=1):
                pass  # wakes accept()
            thread.join()


def accept(listener: socket.socket, web: Web, answer: Answer, certificate: Path | None, over: threading.Event) -> None:
    workers = []
    while True:
        client, _ = listener.accept()
        if over.is_set():
            client.close()
            break
        worker = threading.Thread(target=talk, args=(client, web, answer, certificate, over))
        worker.start()
        workers.append(worker)
    for worker in workers:
        worker.join()


def talk(client: socket.socket, web: Web, answer: Answer, certificate: Path | None, over: threading.Event) -> None:
    with suppress(OSError), client:
        client.settimeout(5)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            client = context.wrap_socket(client, server_side=True)
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(65536)
            if not piece:
                return
            head += piece
        web.requests.append(head.decode("latin-1"))
        for piece in answer(web.requests[-1]):
            if over.is_set():
                break
            client.sendall(piece)
        with suppress(OSError):
            client.shutdown(socket.SHUT_WR)
        client.close()


def photo(body: bytes, content_type: str = "image/jpeg") -> Answer:
    """Answers with `body`, its length stated."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return lambda request: [head, body]


def redirect(target: str, status: int = 302) -> Answer:
    """Answers with another address."""
    return lambda request: [f"HTTP/1.1 {status} Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()]
