"""address of a photo -> its bytes, without ever reaching into a private network

A name is resolved once, every address it leads to is checked, and the connection goes to one of those: a resolver that
answers otherwise a second time (DNS rebinding) changes nothing. Redirects are followed by hand, under the same rules.
"""

import socket
import ssl
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from threading import Timer
from time import monotonic
from typing import IO, cast
from urllib.parse import quote, urljoin, urlsplit

from django.conf import settings
from urllib3 import BaseHTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from catalog.errors import Away, Invalid

PORTS = {"http": 80, "https": 443}
MAX_REDIRECTS = 3
REDIRECTS = {301, 302, 303, 307, 308}
SECONDS = 30.0
"""For everything from the first resolution to the last byte."""

CONNECT_SECONDS = 8.0
LONGEST_URL = 2000
DIGITS = 18
"""More make no length of anything, and Python refuses to read thousands of them."""

PIECE = 1 << 16
IN_MEMORY = 1 << 22

OCTET_STREAMS = {"application/octet-stream", "binary/octet-stream"}
"""What stores say of files whose type they were not told; the second is S3's."""

GLOBAL_UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")
SPECIAL = tuple(
    ip_network(network) for network in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "3fff::/20")
)
"""Protocol assignments (Teredo too), old relays and documentation: Python 3.11 takes some of each for global."""

Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class WebAddress:
    """An http or https address in parts. host: ASCII. target: path and query as they are sent."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """For the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


class Watch:
    """The time that one fetch may take in all."""

    def __init__(self, seconds: float) -> None:
        self.ends_at = monotonic() + seconds

    def left(self) -> float:
        """Seconds left. Raises Invalid when it is over."""
        left = self.ends_at - monotonic()
        if left <= 0:
            raise refusal("url_timeout", "The server at this address takes too long to send the photo.")
        return left

    @contextmanager
    def over(self, sock: socket.socket) -> Iterator[None]:
        """Cut `sock` off when time is up: timeouts of single reads never end a server that drips."""
        timer = Timer(self.left(), cut_off, (sock,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def cut_off(sock: socket.socket) -> None:
    """End both directions; whoever reads wakes up."""
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not SSLSocket's own, which takes the reader's state away


def fetch(url: str, *, max_bytes: int, seconds: float = SECONDS) -> IO[bytes]:
    """The photo at `url` in a temporary file, which the caller closes. Raises Invalid with a code for each refusal."""
    watch = Watch(seconds)
    for _ in range(1 + MAX_REDIRECTS):
        with answer_of(read_address(url), watch) as answer:
            if answer.status not in REDIRECTS or "Location" not in answer.headers:
                check_answer(answer, max_bytes)
                return save(answer, max_bytes, watch)
            url = next_address(url, answer.headers["Location"])
    raise refusal("url_redirects", f"This address leads on more than {MAX_REDIRECTS} times: give the photo's own.")


def next_address(url: str, location: str) -> str:
    """Where `url` leads on to. Raises Invalid."""
    try:
        return urljoin(url, location)
    except ValueError:
        raise no_address() from None


def read_address(url: str) -> WebAddress:
    """The parts of `url`, which may be fetched as far as can be told without resolving it. Raises Invalid."""
    if len(url) > LONGEST_URL or any(ord(c) <= 0x20 or ord(c) == 0x7F for c in url):
        raise no_address()
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        host = ""
    if not host:
        raise no_address()
    if parts.scheme not in PORTS:
        raise refusal("url_scheme", "Photos are fetched from http and https addresses only.")
    if parts.username is not None or parts.password is not None:
        raise refusal("url_credentials", "The address holds a user name or a password: give one that needs neither.")
    if port not in PORTS.values() and not settings.FETCH_ALLOWED_NETWORKS:
        raise wrong_port()
    query = f"?{quote(parts.query, safe=SENT_AS_IS)}" if parts.query else ""
    return WebAddress(parts.scheme, host, port, quote(parts.path or "/", safe=SENT_AS_IS) + query)


SENT_AS_IS = "%/:?@!$&'()*+,;=-._~[]"
"""Beside letters and digits; the per cent sign, because what is encoded already stays as it is."""


@contextmanager
def answer_of(address: WebAddress, watch: Watch) -> Iterator[BaseHTTPResponse]:
    """Ask for `address`; the body has not been read. Foreign errors, those of reading it too, come out as Invalid."""
    connection = connect(address, watch)
    try:
        assert connection.sock is not None, "connect() left it open"
        with watch.over(connection.sock):
            headers = {
                "Host": address.authority,
                "User-Agent": "Plinth",
                "Accept": "image/*,application/octet-stream;q=0.5",
                "Accept-Encoding": "identity",
            }
            connection.request("GET", address.target, headers=headers, preload_content=False, decode_content=False)
            yield connection.getresponse()
    except (OSError, HTTPException, HTTPError):
        watch.left()
        raise refusal("url_broken", "The server at this address broke off or sent what is no answer.") from None
    finally:
        connection.close()


def connect(address: WebAddress, watch: Watch) -> HTTPConnection:
    """A connection to one of the addresses that were checked, its certificate checked against the name."""
    for destination in destinations(address):
        seconds = min(CONNECT_SECONDS, watch.left())
        if address.scheme == "http":
            connection = HTTPConnection(destination, address.port, timeout=seconds)
        else:
            connection = HTTPSConnection(
                destination,
                address.port,
                timeout=seconds,
                server_hostname=address.host,
                ssl_context=ssl.create_default_context(),
            )
        try:
            connection.connect()
        except ssl.SSLError:
            connection.close()
            raise refusal("url_certificate", f"{address.host} has no valid certificate: its owner must act.") from None
        except (OSError, HTTPError, ValueError):  # the last one of names that TLS cannot ask for
            connection.close()
        else:
            return connection
    watch.left()
    raise refusal("url_unreachable", f"{address.host} does not answer.")


def destinations(address: WebAddress) -> list[str]:
    """What the name stands for, resolved once. Raises Invalid when any of it may not be reached.

    The resolver's own limit (a few seconds a name server) comes on top of the watch's.
    """
    try:
        answers = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise refusal("url_unresolved", f"There is no server by the name of {address.host}.") from None
    found = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    allowed = [is_allowed(ip_address(each)) for each in found]
    if not all(here or is_public(ip_address(each)) for here, each in zip(allowed, found, strict=True)):
        raise refusal("url_private", f"{address.host} leads into a private network, where no photos are fetched.")
    if address.port not in PORTS.values() and not all(allowed):
        raise wrong_port()
    return found


def is_allowed(address: Address) -> bool:
    """Whether the operator opened the network that `address` really lies in."""
    return within(embedded(address), map(ip_network, settings.FETCH_ALLOWED_NETWORKS))


def is_public(address: Address) -> bool:
    """Whether anyone on the internet could reach `address`: no private, shared, local, reserved or multicast network.

    Source: IANA's special-purpose address registries; CGNAT (100.64.0.0/10) counts as not global there.
    """
    true = embedded(address)
    if not true.is_global or true.is_multicast or true.is_reserved or true.is_unspecified:
        return False
    if isinstance(true, IPv6Address) and true not in GLOBAL_UNICAST:
        return False
    return not within(true, SPECIAL)


def within(address: Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Whether any of `networks` holds `address`."""
    return any(address.version == network.version and address in network for network in networks)


def embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (mapped, NAT64, 6to4), or `address` itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def check_answer(answer: BaseHTTPResponse, max_bytes: int) -> None:
    """Refuse by the head of the answer what need not be read."""
    if answer.status != 200:
        raise refusal("url_status", f"The server at this address answers {answer.status} instead of a photo.")
    kind = answer.headers.get("Content-Type", "application/octet-stream").partition(";")[0].strip().lower()
    if not kind.startswith("image/") and kind not in OCTET_STREAMS:
        raise refusal("url_not_an_image", "There is no photo at this address: give that of the image itself.")
    length = answer.headers.get("Content-Length", "")
    if length.isdecimal() and (len(length) > DIGITS or int(length) > max_bytes):
        raise too_large(max_bytes)


def save(answer: BaseHTTPResponse, max_bytes: int, watch: Watch) -> IO[bytes]:
    """The body in a temporary file, at its start."""
    file = cast(IO[bytes], tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115
    try:
        received = 0
        for piece in answer.stream(PIECE, decode_content=False):
            received += len(piece)
            if received > max_bytes:
                raise too_large(max_bytes)
            write(file, piece)
        watch.left()  # a body without a stated length that was cut off looks whole
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def write(file: IO[bytes], piece: bytes) -> None:
    """Write to our own disk, whose trouble is not the server's. Raises Away."""
    try:
        file.write(piece)
    except OSError:
        raise Away("scratch_full", "The disk has no room for a photo that is being fetched.") from None


def refusal(code: str, message: str) -> Invalid:
    """What is wrong with the address."""
    return Invalid(code, message, {"url": message})


def no_address() -> Invalid:
    """What cannot be read."""
    return refusal("url_invalid", "This is no web address: give one such as https://shop.example/photo.jpg.")


def wrong_port() -> Invalid:
    """Photos lie where browsers look for them."""
    return refusal("url_port", "Photos are fetched from ports 80 and 443 only.")


def too_large(max_bytes: int) -> Invalid:
    """More than we take."""
    return refusal("photo_too_large", f"The photo has more than {max_bytes / 1e6:g} MB: give a smaller one.")
