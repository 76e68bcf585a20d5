import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

import pytest

from catalog import fetching
from catalog.errors import Away, Invalid
from catalog.fetching import fetch, is_allowed, is_public, read_address
from tests.catalog.web import TLS, Answer, photo, redirect, serve

LIMIT = 1_000_000
JPEG = b"\xff\xd8\xff" + bytes(5000)


@pytest.fixture
def loopback_is_open(settings: Any) -> None:
    settings.FETCH_ALLOWED_NETWORKS = ("127.0.0.0/8", "::1/128")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """The system's resolver for the tests' names: a list of answers for each, one used up by each question."""
    answers: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *args: Any, **more: Any) -> list[Any]:
        if host in answers:
            found = answers[host].pop(0)
            return [info for address in found for info in real(address, port, type=socket.SOCK_STREAM)]
        if host.replace(".", "").isdigit() or ":" in host:
            return list(real(host, port, *args, **more))
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return answers


def refused(url: str, **options: Any) -> str:
    """The code that `url` is refused with."""
    with pytest.raises(Invalid) as caught:
        fetch(url, max_bytes=LIMIT, **options)
    assert caught.value.message.endswith(".") and caught.value.fields == {"url": caught.value.message}
    return caught.value.code


def fetched(url: str) -> bytes:
    with fetch(url, max_bytes=LIMIT) as file:
        return file.read()


# addresses


INSIDE = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.0.3 169.254.169.254 172.16.0.1 172.31.255.255
192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1
255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:0:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1
64:ff9b:1::808:808 100::1 2001::1 2001:db8::1 2002:7f00:1::1 2002:a00:1::1 2002:a9fe:a9fe::1 3fff::1 5f00::1 fc00::1
fd12:3456::1 fe80::1 fe80::1%1 fec0::1 ff02::1 ff0e::1
"""
OUTSIDE = """
8.8.8.8 93.184.216.34 100.63.255.255 100.128.0.1 172.32.0.1 2606:4700:4700::1111 2a00:1450::1 64:ff9b::808:808
2002:808:808::1
"""


@pytest.mark.parametrize("address", INSIDE.split())
def test_no_address_inside_a_network_of_its_own_is_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE.split())
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_only_the_networks_that_the_operator_opened_are_allowed(settings: Any) -> None:
    settings.FETCH_ALLOWED_NETWORKS = ("10.1.0.0/16", "fd00:1::/32")
    assert is_allowed(ip_address("10.1.2.3")) and is_allowed(ip_address("::ffff:10.1.2.3"))
    assert is_allowed(ip_address("fd00:1::5"))
    assert not is_allowed(ip_address("10.2.0.1")) and not is_allowed(ip_address("fd00:2::5"))


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "url_invalid"),
        ("photo.jpg", "url_invalid"),
        ("http://", "url_invalid"),
        ("http:///photo.jpg", "url_invalid"),
        ("http://shop.example:99999/", "url_invalid"),
        ("http://shop.example:x/", "url_invalid"),
        ("http://shop.example/a b.jpg", "url_invalid"),
        ("http://shop.example/\r\nX-Evil: 1", "url_invalid"),
        ("http://[::1/", "url_invalid"),
        ("http://a..b/", "url_invalid"),
        (f"http://{'a' * 64}.example/", "url_invalid"),
        ("https://shop.example/" + "a" * 2000, "url_invalid"),
        ("ftp://shop.example/photo.jpg", "url_scheme"),
        ("file://localhost/etc/passwd", "url_scheme"),
        ("gopher://shop.example/", "url_scheme"),
        ("http://user@shop.example/", "url_credentials"),
        ("http://user:secret@shop.example/", "url_credentials"),
        ("http://@shop.example/", "url_credentials"),
        ("http://shop.example\\@127.0.0.1/", "url_credentials"),
        ("http://shop.example:8080/", "url_port"),
        ("http://shop.example:22/", "url_port"),
    ],
)
def test_what_can_be_told_from_the_address_alone_is_refused_at_once(url: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_address(url)
    assert caught.value.code == code


def test_an_address_is_sent_as_it_was_meant() -> None:
    address = read_address("HTTPS://Bücher.example/größe/a%20b.jpg?w=1&s=ä#part")
    assert (address.scheme, address.host, address.port) == ("https", "xn--bcher-kva.example", 443)
    assert address.target == "/gr%C3%B6%C3%9Fe/a%20b.jpg?w=1&s=%C3%A4"
    assert address.authority == "xn--bcher-kva.example"
    assert read_address("http://shop.example:443").authority == "shop.example:443"
    assert read_address("http://[2606:4700::1]/x").authority == "[2606:4700::1]"


# private networks


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0", "localhost"],
)
def test_no_spelling_of_loopback_gets_through(host: str) -> None:
    with serve(photo(JPEG)) as web:
        assert refused(f"http://{host}:80/") == "url_private"
        assert refused(f"http://{host}:{web.port}/") == "url_port"
        assert web.requests == []


def test_the_clouds_own_metadata_stays_unread() -> None:
    assert refused("http://169.254.169.254/latest/meta-data/") == "url_private"


def test_one_private_address_among_public_ones_refuses_the_name(names: Any) -> None:
    names["shop.example"] = [["93.184.216.34", "10.0.0.7"], ["93.184.216.34", "fe80::1"]]
    assert refused("http://shop.example/photo.jpg") == "url_private"
    assert refused("https://shop.example/photo.jpg") == "url_private"


def test_an_opened_network_may_use_its_own_ports(loopback_is_open: None) -> None:
    with serve(photo(JPEG)) as web:
        assert fetched(f"{web.url}/a/photo.jpg?w=1") == JPEG
        assert web.requests[0].startswith("GET /a/photo.jpg?w=1 HTTP/1.1\r\n")
        assert f"Host: 127.0.0.1:{web.port}\r\n" in web.requests[0]


def test_an_opened_network_opens_no_other_ports_on_the_internet(loopback_is_open: None, names: Any) -> None:
    names["shop.example"] = [["93.184.216.34"], ["127.0.0.1", "93.184.216.34"]]
    assert refused("http://shop.example:8080/photo.jpg") == "url_port"
    assert refused("http://shop.example:8080/photo.jpg") == "url_port"


def test_an_opened_network_leaves_the_others_closed(loopback_is_open: None) -> None:
    assert refused("http://10.0.0.1/photo.jpg") == "url_private"


def test_the_connection_goes_to_the_address_that_was_checked(loopback_is_open: None, names: Any) -> None:
    with serve(photo(JPEG)) as web:
        names["shop.example"] = [["127.0.0.1"], ["10.0.0.1"]]  # the second answer is the attack
        assert fetched(f"http://shop.example:{web.port}/") == JPEG
        assert names["shop.example"] == [["10.0.0.1"]], "asked the resolver once"
        assert f"Host: shop.example:{web.port}\r\n" in web.requests[0]


def test_the_next_address_serves_when_the_first_does_not_answer(loopback_is_open: None, names: Any) -> None:
    with serve(photo(JPEG)) as web:
        names["shop.example"] = [["127.9.9.9", "127.0.0.1"]]  # nobody listens on the first
        assert fetched(f"http://shop.example:{web.port}/") == JPEG


def test_a_name_that_nobody_has_is_told(names: Any) -> None:
    assert refused("http://no-such-shop.example/photo.jpg") == "url_unresolved"


def test_a_server_that_does_not_answer_is_told(loopback_is_open: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert refused(f"http://127.0.0.1:{port}/") == "url_unreachable"


# redirects


def test_redirects_are_followed_three_times(loopback_is_open: None) -> None:
    def chain(request: str) -> list[bytes]:
        step = int(request.split()[1].removeprefix("/"))
        answer: Answer = photo(JPEG) if step == 0 else redirect(f"/{step - 1}", 307)
        return list(answer(request))

    with serve(chain) as web:
        assert fetched(f"{web.url}/3") == JPEG
        assert len(web.requests) == 4
        assert refused(f"{web.url}/4") == "url_redirects"
        assert len(web.requests) == 8


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("http://10.0.0.1/", "url_private"),
        ("http://169.254.169.254/latest/", "url_private"),
        ("//192.168.0.1/router", "url_private"),
        ("http://[::ffff:10.0.0.1]/", "url_private"),
        ("http://internal.example/", "url_private"),
        ("file:///etc/passwd", "url_invalid"),
        ("ftp://shop.example/", "url_scheme"),
        ("http://user:secret@shop.example/", "url_credentials"),
        ("http://[::1", "url_invalid"),
        ("http://" + "a" * 60_000, "url_invalid"),
    ],
)
def test_redirects_obey_the_same_rules(loopback_is_open: None, names: Any, target: str, code: str) -> None:
    names["internal.example"] = [["172.16.0.9"]]
    with serve(redirect(target)) as web:
        assert refused(web.url) == code
        assert len(web.requests) == 1


def test_a_redirect_back_to_loopback_is_refused_while_it_is_closed(
    loopback_is_open: None, settings: Any, names: Any
) -> None:
    with serve(photo(JPEG)) as secret, serve(redirect(f"http://127.0.0.2:{secret.port}/")) as web:
        settings.FETCH_ALLOWED_NETWORKS = ("127.0.0.1/32",)
        assert refused(web.url) == "url_private"
        assert secret.requests == []


# what comes back


def head(*lines: str) -> bytes:
    return ("\r\n".join(("HTTP/1.1 200 OK", *lines)) + "\r\n\r\n").encode()


def endless(piece: bytes, pause: float = 0.0, start: bytes = b"") -> Answer:
    def answer(request: str) -> Iterator[bytes]:
        yield start
        while True:
            yield piece
            time.sleep(pause)

    return answer


@pytest.mark.parametrize("length", [str(LIMIT + 1), "9" * 5000])
def test_more_than_the_limit_is_refused_by_its_stated_length(loopback_is_open: None, length: str) -> None:
    with serve(lambda request: [head("Content-Type: image/jpeg", f"Content-Length: {length}")]) as web:
        assert refused(web.url) == "photo_too_large"


@pytest.mark.parametrize("lines", [(), ("Transfer-Encoding: chunked",)])
def test_an_endless_body_ends_at_the_limit(loopback_is_open: None, lines: tuple[str, ...]) -> None:
    piece = b"2000\r\n" + bytes(0x2000) + b"\r\n"  # also fine as plain bytes
    with serve(endless(piece, start=head("Content-Type: image/jpeg", *lines))) as web:
        assert refused(web.url) == "photo_too_large"


def test_a_full_disk_is_our_own_trouble(loopback_is_open: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "IN_MEMORY", 1000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with serve(photo(bytes(LIMIT))) as web:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))  # files of this process end there
        try:
            with pytest.raises(Away, match="scratch_full"):
                fetch(web.url, max_bytes=LIMIT)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_exactly_the_limit_is_taken(loopback_is_open: None) -> None:
    with serve(photo(bytes(LIMIT))) as web:
        assert len(fetched(web.url)) == LIMIT


@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 200 OK\r\n", head("Content-Type: image/jpeg"), head("Transfer-Encoding: chunked")],
    ids=["status line", "headers", "body", "chunks"],
)
def test_a_slow_drip_ends_when_the_time_is_over(loopback_is_open: None, start: bytes) -> None:
    with serve(endless(b"1", pause=0.05, start=start)) as web:
        begun = time.monotonic()
        assert refused(web.url, seconds=0.6) == "url_timeout"
        assert time.monotonic() - begun < 2


def test_a_silent_server_ends_when_the_time_is_over(loopback_is_open: None) -> None:
    waiting = threading.Event()

    def silent(request: str) -> Iterator[bytes]:
        waiting.wait(3)
        yield b""

    with serve(silent) as web:
        assert refused(web.url, seconds=0.4) == "url_timeout"
        waiting.set()


@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8", "application/json", "video/mp4"])
def test_what_is_no_image_is_refused_unread(loopback_is_open: None, kind: str) -> None:
    with serve(endless(b"x" * 1000, start=head(f"Content-Type: {kind}"))) as web:
        assert refused(web.url) == "url_not_an_image"


@pytest.mark.parametrize("kind", ["image/png", "IMAGE/JPEG; q=1", "application/octet-stream", "binary/octet-stream"])
def test_images_and_plain_bytes_are_taken(loopback_is_open: None, kind: str) -> None:
    with serve(photo(JPEG, kind)) as web:
        assert fetched(web.url) == JPEG


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "url_status"),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "url_status"),
        (b"HTTP/1.1 204 Nothing\r\n\r\n", "url_status"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "url_status"),
        (b"", "url_broken"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "url_broken"),
        (head("Content-Type: image/jpeg", "Content-Length: 100") + b"half", "url_broken"),
        (head("Content-Type: image/jpeg", "Transfer-Encoding: chunked") + b"nonsense\r\n", "url_broken"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 100_000 + b"\r\n\r\n", "url_broken"),
    ],
)
def test_other_answers_are_told_from_each_other(loopback_is_open: None, answer: bytes, code: str) -> None:
    with serve(lambda request: [answer]) as web:
        assert refused(web.url) == code


# certificates


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trusts the tests' own authority, as an operator does for an internal one."""
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "ca.pem"))


def https(names: dict[str, list[list[str]]], name: str, then: Callable[[str], None]) -> list[str]:
    """Serve by TLS as shop.example, known as `name`; returns the requests."""
    names[name] = [["127.0.0.1"]]
    with serve(photo(JPEG), certificate=TLS / "shop.pem") as web:
        then(f"https://{name}:{web.port}/photo.jpg")
    return web.requests


def test_the_certificate_is_checked_against_the_name(loopback_is_open: None, names: Any, trusted: None) -> None:
    def take(url: str) -> None:
        assert fetched(url) == JPEG

    def refuse(url: str) -> None:
        assert refused(url) == "url_certificate"

    requests = https(names, "shop.example", take)
    assert "Host: shop.example:" in requests[0]
    assert https(names, "other.example", refuse) == []


def test_a_certificate_of_an_unknown_authority_is_refused(loopback_is_open: None, names: Any) -> None:
    def refuse(url: str) -> None:
        assert refused(url) == "url_certificate"

    assert https(names, "shop.example", refuse) == []
