"""/jobs/{id}/events: what happens to a job, as it happens, as server-sent events

Many pages may watch at a time: between two looks at the database a stream holds neither a thread nor a connection.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar

from asgiref.sync import SyncToAsync
from django.core.cache import cache
from django.core.handlers.asgi import ASGIRequest
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, connections
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from catalog.api.jobs import OneJob, job_json
from catalog.models import AssetJob, JobEvent, Status

log = logging.getLogger(__name__)
Result = TypeVar("Result")

LOOK_SECONDS = 1.0
"""Between two looks at the database."""

ESTIMATE_SECONDS = 5.0
"""Between two estimates of the place in the queue."""

HEARTBEAT_SECONDS = 15.0
"""After that long without anything to tell, a comment keeps proxies from closing the connection."""

LONGEST_SECONDS = 1800.0
"""Then the client has to come again, and with it its right to."""

RETRY_MS = 3000
EVENTS_AT_ONCE = 500

STREAMS_PER_CALLER = 4
PLACE_SECONDS = 45
"""A place that nobody has touched for that long is free again: its process was killed."""

LOOKERS = ThreadPoolExecutor(4, thread_name_prefix="events")
"""Threads that look at the database and the cache for all streams of this process."""


DESCRIPTION = """\
`event: job` with the job as `GET jobs/{id}` tells it, at once and whenever it changes; `event: status`, `stage`,
`lease` and `note` with each line of what happened (`id`, `at`, `kind`, `status`, `stage`, `reason`, `text`, `seconds`),
from the first one on, or from the one after `Last-Event-ID`. A comment comes every 15 seconds at the latest. The stream
closes when the job has ended, and after half an hour: come again with the id of the last event. At most 4 streams at a
time for each key or person."""

EVENT_SCHEMA = {
    "type": "object",
    "description": "One event of the stream.",
    "required": ["event", "data"],
    "properties": {
        "event": {"type": "string", "enum": ["job", "status", "stage", "lease", "note"]},
        "id": {"type": "string", "description": "for Last-Event-ID; a job's snapshot has none"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}


@dataclass
class Watch:
    """How much of a job its watcher has been told. after: the last event's number.

    may_watch: asked at every look; a member who was removed or a key that was revoked hears no more.
    """

    job_pk: int
    after: int
    may_watch: Callable[[], bool] = lambda: True
    shown: dict[str, Any] = field(default_factory=dict)
    seen: tuple[object, ...] = ()
    estimated_at: float = 0.0
    over: bool = False

    def look(self) -> str:
        """What is new, as text of server-sent events; `over` tells whether that was all."""
        job = AssetJob.objects.select_related("product", "version").filter(pk=self.job_pk).first()
        if job is None or not self.may_watch():  # deleted, or none of theirs any more
            self.over = True
            return ""
        events = list(JobEvent.objects.filter(job=job, pk__gt=self.after).order_by("pk")[:EVENTS_AT_ONCE])
        text = "".join(event_text(event) for event in events)
        self.after = events[-1].pk if events else self.after
        self.over = job.ended_at is not None and len(events) < EVENTS_AT_ONCE
        return text + self.snapshot(job)

    def snapshot(self, job: AssetJob) -> str:
        """The job itself, if it is not what was shown last."""
        seen = (job.status, job.stage, job.progress, job.reason, job.generator, job.lease, job.released_at)
        if seen == self.seen and (job.ended_at or monotonic() - self.estimated_at < ESTIMATE_SECONDS):
            return ""
        self.seen, self.estimated_at = seen, monotonic()
        shown = job_json(job)
        if {**shown, "seconds_left": None} == {**self.shown, "seconds_left": None}:
            return ""
        self.shown = shown
        return message("job", shown)


def event_text(event: JobEvent) -> str:
    """One line of what happened; its number is the event's id."""
    return message(event.kind, dict(EventJson(event).data), event_id=event.pk)


def message(name: str, data: dict[str, Any], *, event_id: int = 0) -> str:
    """A server-sent event. Source: html.spec.whatwg.org, "Server-sent events"."""
    first = f"id: {event_id}\n" if event_id else ""
    return f"{first}event: {name}\ndata: {json.dumps(data, cls=DjangoJSONEncoder)}\n\n"


def last_event_id(text: str) -> int:
    """The header of a client that comes again; what is no number counts as none."""
    return min(int(text), 2**63 - 1) if text.isascii() and text.isdecimal() else 0


class EventJson(serializers.Serializer[JobEvent]):
    """One line of what happened."""

    id = serializers.IntegerField(source="pk")
    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(["status", "stage", "lease", "note"])
    status = serializers.ChoiceField(Status.choices)
    stage = serializers.CharField()
    reason = serializers.CharField()
    text = serializers.CharField()
    seconds = serializers.FloatField(allow_null=True)


# places


@dataclass(frozen=True)
class Place:
    """One of the streams that a key or a person may have open at a time, in all processes together."""

    name: str

    def keep(self) -> None:
        """Say that the stream is still open."""
        cache.touch(self.name, PLACE_SECONDS)

    def give_back(self) -> None:
        """Let another stream have it."""
        cache.delete(self.name)


def take_place(who: str) -> Place | None:
    """A free place, or None; while the cache is away nobody is turned away."""
    names = [f"events:{who}:{number}" for number in range(STREAMS_PER_CALLER)]
    try:
        return next((Place(name) for name in names if cache.add(name, 1, PLACE_SECONDS)), None)
    except Exception as error:  # each cache's client has its own; whatever it is, who watches must not suffer
        log.warning("streams are not counted, the cache is away: %s", error)
        return Place(names[0])


# the stream


async def stream(watch: Watch, place: Place) -> AsyncIterator[str]:
    """Tell what happens until the job has ended, or the client has gone.

    Nobody waits for the place's bookkeeping: a cache that is away must not end a stream, nor a client that has gone
    keep us from giving the place back.
    """
    try:
        let_thread_go()
        yield f"retry: {RETRY_MS}\n\n"
        begun = told = kept = monotonic()
        while not watch.over and monotonic() - begun < LONGEST_SECONDS:
            text = await in_shared_thread(watch.look)
            now = monotonic()
            if now - kept >= HEARTBEAT_SECONDS:
                kept = now
                LOOKERS.submit(place.keep)
            if text or now - told >= HEARTBEAT_SECONDS:
                told = now
                yield text or ": still here\n\n"
            if not watch.over:
                await asyncio.sleep(LOOK_SECONDS)
    except DatabaseError as error:
        log.warning("a stream of events ends: the database is away: %s", error)
    finally:
        LOOKERS.submit(place.give_back)


async def in_shared_thread(function: Callable[[], Result]) -> Result:
    """Call `function` where it may wait, and leave no connection open."""

    def call() -> Result:
        try:
            return function()
        finally:
            connections.close_all()

    return await asyncio.get_running_loop().run_in_executor(LOOKERS, copy_context().run, call)


def let_thread_go() -> None:
    """End the thread that Django keeps for the synchronous parts of this request: while we stream nothing needs it."""
    request = SyncToAsync.thread_sensitive_context.get(None)
    executor = SyncToAsync.context_to_thread_executor.pop(request, None) if request else None
    if isinstance(executor, ThreadPoolExecutor):
        executor.submit(connections.close_all)
        executor.shutdown(wait=False)


# the view


class EventsView(OneJob):
    """What happens to a job, as it happens.

    DRF's views are synchronous: this one decides in a thread, as all do, and hands an asynchronous stream to the ASGI
    server. Over WSGI it tells what there is and ends; EventSource then comes again.
    """

    has_etag = False

    @extend_schema(
        operation_id="watch_job",
        summary="Follow a job",
        tags=["jobs"],
        parameters=[
            OpenApiParameter(
                "Last-Event-ID", str, OpenApiParameter.HEADER, description="go on after the event with that id"
            )
        ],
        responses={
            (200, "text/event-stream"): OpenApiResponse(EVENT_SCHEMA, description=DESCRIPTION),
            204: OpenApiResponse(description="The job has ended and all has been told: do not come again."),
        },
    )
    def get(self, request: Request, id: str) -> HttpResponseBase:
        """Follow a job by server-sent events."""
        job = self.job(id)
        last = request.headers.get("Last-Event-ID", "")
        watch = Watch(job.pk, last_event_id(last), self.access.still_holds)
        if last and job.ended_at and not job.events.filter(pk__gt=watch.after).exists():
            return HttpResponse(status=204)
        if not isinstance(request._request, ASGIRequest):
            return as_events(HttpResponse(watch.look()))
        place = take_place(self.access.name)
        if place is None:
            raise Throttled(wait=PLACE_SECONDS, detail=f"At most {STREAMS_PER_CALLER} streams at a time.")
        return as_events(StreamingHttpResponse(stream(watch, place)))


def as_events(response: HttpResponseBase) -> HttpResponseBase:
    """With the headers of an event stream; the last one keeps nginx from holding events back."""
    response.headers["Content-Type"] = "text/event-stream; charset=utf-8"
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Accel-Buffering"] = "no"
    return response


routes: list[URLPattern] = [path("jobs/<str:id>/events", EventsView.as_view())]
