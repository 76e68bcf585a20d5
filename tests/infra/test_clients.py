"""Who sent a request, behind any number of proxies; nobody passes for somebody else."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from infra.clients import client_address, name_client

PROXIES = ("10.0.0.0/8", "2001:db8:f::/48")


@pytest.mark.parametrize(
    ("direct", "forwarded", "client"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7, 10.9.9.9", "203.0.113.7"),
        ("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7:51000", "203.0.113.7"),
        ("2001:db8:f::1", "[2001:db8::7]:51000", "2001:db8::7"),
        ("", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "", "10.0.0.1"),
    ],
)
def test_the_client_is_whom_our_first_proxy_saw(direct: str, forwarded: str, client: str) -> None:
    assert client_address(direct, forwarded, PROXIES) == client


@pytest.mark.parametrize(
    ("direct", "forwarded", "client"),
    [
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "10.0.0.2, 198.51.100.1, 203.0.113.7, 10.0.0.3", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, ", "10.0.0.1"),
    ],
)
def test_what_a_client_sends_itself_is_worth_nothing(direct: str, forwarded: str, client: str) -> None:
    assert client_address(direct, forwarded, PROXIES) == client


def test_without_proxies_of_ours_the_header_is_worth_nothing() -> None:
    assert client_address("10.0.0.1", "203.0.113.7", ()) == "10.0.0.1"


@pytest.mark.parametrize("proxies", [(), PROXIES])
def test_whatever_comes_later_sees_the_client_alone(settings, proxies: tuple[str, ...]) -> None:
    settings.TRUSTED_PROXIES = proxies
    seen: list[str] = []

    def answer(request: HttpRequest) -> HttpResponse:
        seen.append(request.META["REMOTE_ADDR"])
        return HttpResponse()

    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": "203.0.113.7"})
    name_client(answer)(request)
    assert seen == ["203.0.113.7" if proxies else "10.0.0.1"]
