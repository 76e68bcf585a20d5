"""Whatever is sent, the API answers as it describes itself: no error of ours, no status or shape unheard of"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, settings
from schemathesis import checks
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi import checks as openapi_checks

from infra.wsgi import application
from tests.catalog.api.world import World, make_world
from tests.catalog.conftest import Cast
from tests.catalog.makers import make_worker

CSRF = "a" * 32
CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
]
FEW, MANY = 4, int(os.environ.get("FUZZ_EXAMPLES", "100"))
IDS = {"products": "product", "photos": "photo", "jobs": "job", "versions": "version", "keys": "key", "s": "product"}
"""First part of a path -> whose id follows."""
PRECONDITIONS = {"If-Match", "If-None-Match", "Idempotency-Key"}

AT_RANDOM = SchemathesisConfig.from_dict({"phases": {"coverage": {"enabled": False}}})

api = schemathesis.openapi.from_wsgi("/api/v1/schema.json", application)
api_at_random = schemathesis.openapi.from_wsgi("/api/v1/schema.json", application, config=AT_RANDOM)


class Shop:
    """A shop to send things to, and how its owner gets in."""

    def __init__(self, world: World, session: str) -> None:
        self.world = world
        self.cookies = {"sessionid": session, "csrftoken": CSRF}
        self.headers = {"X-CSRFToken": CSRF, "X-Plinth-Merchant": "shop"}

    def point_at_something(self, case: Any) -> None:
        """Have the path name what there is, whatever its ETag."""
        ids = {"sku": self.world.product.sku, "merchant": "shop", "upload": "upl_2345678923456789", "name": "model.glb"}
        first = case.path.removeprefix("/api/v1").split("/")[1]
        ids["id"] = self.world.ids[IDS.get(first, "product")]
        case.path_parameters = {name: ids[name] for name in case.path_parameters or {}}
        for name in PRECONDITIONS:
            case.headers.pop(name, None)

    def send(self, case: Any, *also: Any) -> None:
        """As the owner; whatever happens is undone."""
        case.headers.pop("Authorization", None)
        with transaction.atomic():
            answer = case.call_and_validate(headers=self.headers, cookies=self.cookies, checks=[*CHECKS, *also])
            assert answer.status_code != 401, "the owner is signed in"
            transaction.set_rollback(True)


@pytest.fixture
def shop(cast: Cast, storage: object, broker: object) -> Iterator[Shop]:
    """One of everything."""
    make_worker()
    world = make_world(cast.shop)
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)  # or the test's transaction would end with the first request
    yield Shop(world, cast.owner.session.session_key or "")
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def says_wrong_things(case: Any) -> bool:
    """Whether its query or body, and nothing else that we replace, is not as described."""
    wrong = {place for place, how in case.meta.components.items() if how.mode.is_negative}
    return (
        bool(wrong)
        and wrong <= {ParameterLocation.QUERY, ParameterLocation.BODY}
        and not PRECONDITIONS & {*case.headers}
    )


def try_out(case: Any, shop: Shop) -> None:
    """Send it as it is, then to something that is there."""
    shop.send(case, *([openapi_checks.negative_data_rejection] if says_wrong_things(case) else []))
    shop.point_at_something(case)
    shop.send(case)


@api_at_random.parametrize()
@settings(max_examples=FEW, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_api_answers_as_it_describes_itself(case: Any, shop: Shop) -> None:
    try_out(case, shop)


@pytest.mark.slow
@api.parametrize()
@settings(max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_api_answers_as_it_describes_itself_to_many_more(case: Any, shop: Shop) -> None:
    try_out(case, shop)
