"""views -> the API's description, OpenAPI 3.1: who may do what, every status, every header"""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework.permissions import SAFE_METHODS

from catalog.models import Role

Json = dict[str, Any]

OWNERS, WRITERS, READERS = (Role.OWNER,), (Role.OWNER, Role.EDITOR), (Role.OWNER, Role.EDITOR, Role.VIEWER)
WITH_BODY = ("POST", "PUT", "PATCH")

STATUSES: Mapping[int, str] = {
    304: "You have it already (`If-None-Match`).",
    400: "The body is no JSON, or the request cannot be read: `malformed`.",
    401: "Nobody has signed in, or the key is not good: `not_signed_in`, `bad_credentials`.",
    403: "Your role or key may not do this: `read_only`, `owners_only`, `not_a_member`.",
    404: "There is no such thing, or it is not yours: `not_found`.",
    409: "It does not go with the state of things; see `code`.",
    411: "The body comes without its length: `length_required`.",
    412: "It has changed since you read it: `changed_meanwhile`.",
    413: "The body is too large: `body_too_large`.",
    415: "The body is of another type than those below: `unsupported_media_type`.",
    422: "A value will not do: `bad_value`, `unknown_field`, ...; `fields` says which.",
    429: "Too many requests in a minute: `too_many_requests`.",
    503: "Something is away for a moment: `storage_away`, `storage_full`, `storage_denied`, `database_away`.",
}

ERROR: Json = {
    "type": "object",
    "description": "Every refusal has this shape. `code` never changes; `message` is for people.",
    "required": ["error", "request_id"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "fields"],
            "properties": {
                "code": {"type": "string", "examples": ["sku_taken"]},
                "message": {"type": "string", "examples": ["Another product has this SKU."]},
                "fields": {
                    "type": "object",
                    "description": "What is wrong with which value.",
                    "additionalProperties": {"type": "string"},
                    "examples": [{"sku": "is taken"}],
                },
            },
        },
        "request_id": {"type": "string", "description": "As in `X-Request-ID`; helps us to find it in our logs."},
    },
}

RATE = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
TEXT, NUMBER = {"type": "string"}, {"type": "integer", "minimum": 0}
HEADERS: Mapping[str, Json] = {
    "RateLimit-Limit": {"schema": NUMBER, "description": "Requests a minute, reads and writes apart."},
    "RateLimit-Remaining": {"schema": NUMBER, "description": "How many are left."},
    "RateLimit-Reset": {"schema": NUMBER, "description": "Seconds until there are more."},
    "Retry-After": {"schema": NUMBER, "description": "Seconds to wait."},
    "ETag": {"schema": TEXT, "description": "For If-Match and If-None-Match."},
}


def _request_header(name: str, description: str) -> Json:
    return {"in": "header", "name": name, "schema": TEXT, "description": description}


PARAMETERS: Mapping[str, Json] = {
    name: _request_header(name, description)
    for name, description in {
        "Idempotency-Key": "Up to 255 characters of your choice. The same request with the same key within 24 hours "
        "is done once and answered twice, the second time with `Idempotent-Replayed: true`.",
        "If-Match": "The ETag that you have read: 412 if it has changed since.",
        "If-None-Match": "The ETag that you have: 304 if it is still the same.",
        "X-Plinth-Merchant": "Which shop you mean, by id or slug, if you act for several. Keys belong to one.",
    }.items()
}


class KeyScheme(OpenApiAuthenticationExtension):
    """API keys."""

    target_class = "catalog.api.access.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> Json:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "plk_…",
            "description": "A key of the shop, `Authorization: Bearer plk_…`. `read` reads; `write` also changes, "
            "as an editor does. No key does what only owners may.",
        }


class SessionScheme(OpenApiAuthenticationExtension):
    """People who have signed in."""

    target_class = "catalog.api.access.MemberAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> Json:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "A person who has signed in; changes need the header `X-CSRFToken`. Owners do everything, "
            "editors all but people, keys and deletion of the shop, viewers read.",
        }


class Description(AutoSchema):
    """One operation, with what all views of the API have in common."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Json | None:
        found: Json | None = super().get_operation(*args, **kwargs)
        if found is None:
            return None
        text = str(found.pop("description", ""))
        first: Json = {"operationId": found.pop("operationId"), "summary": found.pop("summary", _first_sentence(text))}
        if self.is_public:
            first |= {"description": text, "security": [{}]}
        else:
            first |= {"description": f"{text}\n\n{self.who()}".strip(), "security": self.security()}
            first["x-roles"] = [role.value for role in self.roles]
        parameters = [*found.pop("parameters", ()), *self.headers()]
        self.add_responses(found["responses"])
        return {**first, **({"parameters": parameters} if parameters else {}), **found, "security": first["security"]}

    @property
    def is_public(self) -> bool:
        """Whether anybody may."""
        return not self.view.get_authenticators()

    @property
    def roles(self) -> tuple[Role, ...]:
        """Who may."""
        if self.method in getattr(self.view, "owner_only", ()):
            return OWNERS
        return READERS if self.method in SAFE_METHODS else WRITERS

    @property
    def has_body(self) -> bool:
        return self.method in WITH_BODY or (getattr(self.view, "delete_has_body", False) and self.method == "DELETE")

    @property
    def has_etag(self) -> bool:
        """Whether answers carry one."""
        return not self._is_list_view() and getattr(self.view, "has_etag", True)

    @property
    def takes_if_match(self) -> bool:
        """Whether a POST looks at If-Match."""
        return getattr(self.view, "takes_if_match", False)

    def who(self) -> str:
        """The same for people."""
        keys = {OWNERS: "No API key.", WRITERS: "API keys that may write.", READERS: "Every API key."}
        people = ", ".join(f"{role.value}s" for role in self.roles)
        return f"**Who:** {people}. {keys[self.roles]}"

    def security(self) -> list[Json]:
        """Ways in, each with what it takes."""
        people = {"session": [role.value for role in self.roles]}
        if self.roles == OWNERS:
            return [people]
        return [{"apiKey": ["read" if self.roles == READERS else "write"]}, people]

    def headers(self) -> list[Json]:
        """Request headers that count here."""
        names = {"GET": ["If-None-Match"], "POST": ["Idempotency-Key"]}.get(self.method, ["If-Match"])
        if self.method == "GET" and not self.has_etag:
            names = []
        if self.method == "POST" and self.takes_if_match:
            names.append("If-Match")
        if not self.is_public:
            names.append("X-Plinth-Merchant")
        return [self.component("parameters", name, PARAMETERS[name]) for name in names]

    def add_responses(self, responses: dict[str, Any]) -> None:
        """What may be answered beside success, and the headers of each."""
        for response in responses.values():
            shown = self.method != "DELETE" and self.has_etag and "content" in response
            names = [*(() if self.is_public else RATE), *(("ETag",) if shown else ())]
            response["headers"] = {**self.response_headers(*names), **response.get("headers", {})}
        for status in self.refusals():
            responses.setdefault(str(status), self.refusal(status))

    def refusals(self) -> list[int]:
        """Statuses that are no success."""
        found = {503} if self.is_public else {401, 403, 422, 429, 503}
        if "{" in self.path:
            found.add(404)
        if self.method == "GET":
            return sorted(found | {304} if self.has_etag else found)
        found |= {409} if self.method == "POST" and not self.takes_if_match else {409, 412}
        return sorted(found | {400, 411, 413, 415} if self.has_body or self.method == "POST" else found)

    def refusal(self, status: int) -> Json:
        """One of them."""
        names = {304: ("ETag",), 429: ("Retry-After", *RATE), 503: ("Retry-After",)}.get(status, ())
        content = {"application/json": {"schema": self.component("schemas", "Error", ERROR)}}
        answer: Json = {"description": STATUSES[status], "headers": self.response_headers(*names)}
        return self.component("responses", f"Answer{status}", answer | ({} if status == 304 else {"content": content}))

    def response_headers(self, *names: str) -> Json:
        """Headers of an answer, by name."""
        return {name: self.component("headers", name, HEADERS[name]) for name in names}

    def component(self, kind: str, name: str, described: Json) -> Json:
        """A reference to something that is described once."""
        component = ResolvedComponent(name=name, type=kind, schema=described, object=name)
        self.registry.register_on_missing(component)
        return dict(component.ref)

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        return str(super().get_serializer_name(serializer, direction)).removesuffix("Json")

    def _get_request_body(self, direction: str = "request") -> Any:
        if not (self.method == "DELETE" and self.has_body):
            return super()._get_request_body(direction)
        self.method = "POST"  # only these are asked for a body
        try:
            return super()._get_request_body(direction)
        finally:
            self.method = "DELETE"


def close_requests(result: Json, **kwargs: Any) -> Json:
    """For drf-spectacular, after all else: unknown fields are refused, so say it."""
    for name, schema in result.get("components", {}).get("schemas", {}).items():
        if name.endswith("Request") and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
    return result


def _first_sentence(text: str) -> str:
    return text.partition("\n")[0].partition(".")[0].partition(":")[0]
