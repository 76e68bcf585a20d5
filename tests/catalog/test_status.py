"""The job's table of statuses: every pair."""

import itertools
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from catalog.errors import IllegalTransition, LostRace
from catalog.models import AssetJob, Status
from catalog.versions import create_version
from tests.catalog.makers import finished, make_job, make_merchant, make_product

pytestmark = pytest.mark.django_db

ACTIVE = {Status.QUEUED, Status.RUNNING}


def job_in(status: Status) -> AssetJob:
    """A job in that status, with a version so that it may be published."""
    merchant = make_merchant()
    job = make_job(make_product(merchant))
    create_version(job, finished(merchant))
    ended_at = None if status in ACTIVE else timezone.now()
    AssetJob.objects.filter(pk=job.pk).update(status=status, ended_at=ended_at)
    job.refresh_from_db()
    return job


def row(job: AssetJob) -> Any:
    return AssetJob.objects.filter(pk=job.pk).values().get()


@pytest.mark.parametrize(("old", "new"), itertools.product(Status, Status))
def test_a_job_moves_exactly_where_the_table_leads(old: Status, new: Status) -> None:
    job = job_in(old)
    before = row(job)
    if new in AssetJob.NEXT[old]:
        job.move_to(new, reason="why", advice="What helps.")
        event = job.events.get()
        assert (event.kind, event.status, event.reason, event.text) == ("status", new, "why", "What helps.")
        assert row(job)["status"] == new
        assert (row(job)["ended_at"] is None) == (new in ACTIVE)
    else:
        with pytest.raises(IllegalTransition):
            job.move_to(new)
        assert row(job) == before
        assert not job.events.exists()


def test_the_table_names_every_status() -> None:
    assert set(AssetJob.NEXT) == set(Status)


@pytest.mark.parametrize("old", Status)
def test_every_status_but_published_leads_somewhere_and_all_are_reached(old: Status) -> None:
    assert bool(AssetJob.NEXT[old]) == (old != Status.PUBLISHED)
    assert any(old in following for following in AssetJob.NEXT.values())


def test_who_read_the_job_before_it_moved_changes_nothing() -> None:
    job = job_in(Status.QUEUED)
    late = AssetJob.objects.get(pk=job.pk)
    job.move_to(Status.CANCELLED, reason="cancelled")
    before = row(job)
    with pytest.raises(LostRace):
        late.move_to(Status.RUNNING)
    assert row(job) == before
    assert job.events.count() == 1


@pytest.mark.parametrize("status", [Status.REJECTED, Status.FAILED, Status.CANCELLED, Status.NEEDS_REVIEW])
def test_an_ended_job_is_held_by_nobody(status: Status) -> None:
    job = job_in(Status.RUNNING)
    AssetJob.objects.filter(pk=job.pk).update(lease=uuid4(), lease_expires_at=timezone.now())
    job.refresh_from_db()
    job.move_to(status)
    job.refresh_from_db()
    assert (job.lease, job.lease_expires_at, job.retry_at) == (None, None, None)
