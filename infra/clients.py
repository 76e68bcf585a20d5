"""request -> the address of who sent it, also behind proxies

Behind a proxy every connection comes from the proxy, and `X-Forwarded-For` tells who came to it. Anybody can send that
header: each proxy appends whom it has seen, so only what proxies of ours appended counts, read from the right.
"""

import ipaddress
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

Answer = Callable[[HttpRequest], HttpResponseBase]
AsyncAnswer = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@sync_and_async_middleware
def name_client(get_response: Answer | AsyncAnswer) -> Answer | AsyncAnswer:
    """Middleware: `REMOTE_ADDR` is the client's address from here on, whatever stands before us."""
    if iscoroutinefunction(get_response):
        answer_later = cast(AsyncAnswer, get_response)

        async def name_client_async(request: HttpRequest) -> HttpResponseBase:
            return await answer_later(_named(request))

        return name_client_async
    answer = cast(Answer, get_response)
    return lambda request: answer(_named(request))


def client_address(direct: str, forwarded: str, proxies: tuple[str, ...]) -> str:
    """Who came to the first of our proxies; `direct` where the connection comes from none.

    direct: the connection's other end; empty for a socket of this machine's, which only a proxy uses.
    forwarded: `X-Forwarded-For`. proxies: networks of ours. What is no address ends the search.
    """
    networks = [ipaddress.ip_network(proxy) for proxy in proxies]
    found = direct
    for text in reversed(forwarded.split(",") if networks else []):
        here = read_address(found)
        if found and (here is None or not any(here in network for network in networks)):
            break
        before = read_address(text)
        if before is None:
            break
        found = str(before)
    return found


def read_address(text: str) -> Address | None:
    """The address in `203.0.113.7`, `203.0.113.7:8080`, `2001:db8::1` or `[2001:db8::1]:8080`; None: there is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def _named(request: HttpRequest) -> HttpRequest:
    forwarded = request.headers.get("X-Forwarded-For", "")
    request.META["REMOTE_ADDR"] = client_address(
        request.META.get("REMOTE_ADDR", ""), forwarded, settings.TRUSTED_PROXIES
    )
    return request
