"""what every view of the API shares: who asks, strict bodies, one error shape, idempotent POSTs, ETags, pages

A method authenticates, parses, calls one function of the catalogue, and answers:

    def patch(self, request: Request, id: str) -> Response:
        photo = self.find(self.photos(), id)
        change = self.parse(PhotoChange)
        return self.show(photo_json(change_photo(photo, **change, check=self.unchanged(photo_json))))
"""

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any, ClassVar

from django.db.models import Manager, Model, QuerySet
from django.http import Http404, HttpRequest, QueryDict
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from catalog.api import etags, idempotency
from catalog.api.access import Access
from catalog.api.errors import LengthRequired
from catalog.api.pages import CURSOR, LIMIT
from catalog.api.parsing import StrictJson, read_values
from catalog.api.throttling import Rate
from catalog.checks import Check
from catalog.models import Merchant

Json = dict[str, Any]


def to_json(serializer: type[Serializer[Any]]) -> Callable[[Any], Json]:
    """Row -> JSON, by one serializer for all rows: making one copies all its fields, half of a list's time."""
    made = serializer()
    return lambda row: dict(made.to_representation(row))


class AlwaysJson(BaseContentNegotiation):
    """What callers accept does not count: JSON is what there is."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        return DefaultContentNegotiation().select_parser(request, parsers)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type


class View(GenericAPIView[Any]):
    """One address.

    owner_only: methods that only a signed-in owner may use. told_once: members of the answer to a POST that a repeated
    request is not told again, because they are secret and kept nowhere.
    """

    owner_only: ClassVar[tuple[str, ...]] = ()
    told_once: ClassVar[tuple[str, ...]] = ()
    parser_classes: Any = (StrictJson,)
    content_negotiation_class = AlwaysJson
    claim: idempotency.Claim | None = None
    rate: Rate | None = None

    @property
    def access(self) -> Access:
        """Who asks."""
        access = self.request.auth
        assert isinstance(access, Access), "the permission lets nobody else in"
        return access

    @property
    def merchant(self) -> Merchant:
        """For whom; every queryset starts here."""
        return self.access.merchant

    def get_queryset(self) -> QuerySet[Any]:
        """For the API's description alone, which asks what a filter is about; rows start at `merchant`."""
        filters = getattr(self, "filterset_class", None)
        return ((filters and filters._meta.model) or Merchant).objects.none()

    # what a method does

    def find(self, rows: Manager[Any] | QuerySet[Any], public_id: str) -> Any:
        """The one of `rows` with that id. Raises Http404: what belongs to others is not there."""
        return self.first(rows.filter(public_id=public_id))

    def first(self, rows: QuerySet[Any]) -> Any:
        """One of `rows`, which are one at most. Raises Http404."""
        row: Model | None = next(iter(rows[:1]), None)
        if row is None:
            raise Http404
        return row

    def parse(self, serializer: type[Serializer[Any]], *, partial: bool = False) -> dict[str, Any]:
        """The body's values, checked. Raises ValidationError for bad values and for fields that we don't know."""
        data = self.request.data
        typed = not isinstance(data, QueryDict)  # a form knows texts alone
        return read_values(serializer(data=data, partial=partial), data, typed=typed)

    def unchanged(self, as_json: Callable[[Any], Json]) -> Check:
        """What a function of the catalogue asks about the row that it has locked: do the request's headers allow it?

        Raises PreconditionFailed unless If-Match and If-None-Match do. as_json: what the ETag is made of.
        """

        def check(row: Any) -> None:
            if row is None:
                etags.require_absence(self.request)
            elif etags.has_precondition(self.request):
                etags.require_match(self.request, etags.etag_of(as_json(row)))

        return check

    def show_page(self, rows: Manager[Any] | QuerySet[Any], as_json: Callable[[Any], Json]) -> Response:
        """One page of `rows`, filtered as the address asks, newest first."""
        filters = getattr(self, "filterset_class", None)
        self.check_parameters({CURSOR, LIMIT, *(filters.base_filters if filters else ())})
        found = self.paginate_queryset(self.filter_queryset(rows.all()))
        return self.get_paginated_response([as_json(row) for row in found or ()])

    def show(
        self, data: Json, *, status: int = 200, etag: str = "", headers: Mapping[str, str] | None = None
    ) -> Response:
        """`data` with its ETag; 304 when the caller has it already."""
        etag = etag or etags.etag_of(data)
        sent = {"ETag": etag, **(headers or {})}
        none_match = self.request.headers.get("If-None-Match", "")
        if self.request.method in {"GET", "HEAD"} and etags.already_known(none_match, etag):
            return Response(status=304, headers=sent)
        return Response(data, status, headers=sent)

    def check_parameters(self, known: Set[str]) -> None:
        """Raises ValidationError: a filter with a slip in its name, or with nothing in it, must not show everything."""
        given = self.request.query_params
        unknown = [ErrorDetail("There is no such parameter.", code="unknown_field")]
        errors = dict.fromkeys(sorted(given.keys() - known), unknown)
        errors |= {name: [ErrorDetail("Must not be empty.")] for name in given.keys() & known if not given[name]}
        if errors:
            raise ValidationError(errors)

    # what happens to every request

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if any("\0" in part for part in kwargs.values()):  # which PostgreSQL would not even compare
            raise Http404
        chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
        if chunked and "Content-Length" not in request.headers:  # Django would take it for empty
            raise LengthRequired
        if request.method == "POST" and request.auth is not None:
            self.claim = idempotency.begin(request, self.merchant)

    def handle_exception(self, exc: Exception) -> Response:
        try:
            return super().handle_exception(exc)
        except Exception:
            if self.claim is not None:
                self.claim.let_go()
            raise

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.rate is not None:
            for name, value in self.rate.headers().items():
                response.headers[name] = value
        response.headers.setdefault("Cache-Control", "private, no-cache")  # kept with its ETag, asked for each time
        if self.claim is not None:
            self.claim.keep(response, self.told_once)
        return response

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """The methods there are, in `Allow`."""
        return Response(status=204)
