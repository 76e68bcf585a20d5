"""What the sliders send becomes a job that changes just that."""

import pytest
from django.http import QueryDict

from catalog.errors import Invalid
from catalog.models import AssetJob, Kind, Status
from dashboard.review.editing import LAYS, edits_in
from tests.catalog.makers import make_job
from tests.dashboard.review.conftest import Reviewed
from tests.dashboard.review.made import add_finished


def asked(text: str) -> dict[str, object]:
    return edits_in(QueryDict(text)).as_json()


def test_only_what_was_moved_is_asked_for() -> None:
    assert asked("roughness=0&turn_degrees=-90&lay=x90") == {"roughness": 0.0, "turn_degrees": 270, "lay": "x90"}
    assert asked("metallic=100&tint=%23FF8080") == {"metallic": 1.0, "tint": "#ff8080"}
    assert asked("roughness=&tint=%23ffffff&turn_degrees=0&lay=") == {}


@pytest.mark.parametrize(
    "text", ["roughness=101", "roughness=nan", "metallic=x", "tint=red", "lay=y90", "turn_degrees=1e9"]
)
def test_what_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        asked(text)
    assert refusal.value.code == "bad_value"


def test_every_way_to_lay_it_down_is_known_to_the_catalogue() -> None:
    from catalog.edits import LAYS as KNOWN

    assert set(LAYS) == set(KNOWN)


def test_saving_asks_for_a_job_and_leads_to_where_it_is_watched(stored: Reviewed) -> None:
    response = stored.people.editor.send(stored.at("edit"), {"roughness": "20"})
    job = AssetJob.objects.get(kind=Kind.EDIT)
    assert (job.source_version, job.edits) == (stored.last, {"roughness": 0.2})
    making = stored.people.at(f"products/{stored.product.public_id}/versions/making/{job.public_id}")
    assert response["Location"] == making
    page = stored.people.viewer.read(making)
    assert "Version 2 with your changes is being made" in page
    assert 'hx-trigger="every 2s"' in page
    assert "is being made at this moment" in stored.people.editor.read(stored.at())


def test_changing_nothing_and_changing_twice_at_once_are_refused_in_words(stored: Reviewed) -> None:
    nothing = stored.people.editor.send(stored.at("edit"), {})
    assert (nothing.status_code, "Nothing is to be changed" in nothing.content.decode()) == (409, True)
    stored.people.editor.send(stored.at("edit"), {"metallic": "50"})
    again = stored.people.editor.send(stored.at("edit"), {"metallic": "60"})
    assert (again.status_code, "being made already" in again.content.decode()) == (409, True)
    assert AssetJob.objects.filter(kind=Kind.EDIT).count() == 1


def test_a_job_that_is_done_leads_to_its_version(reviewed: Reviewed) -> None:
    making = reviewed.people.at(f"products/{reviewed.product.public_id}/versions/making/{reviewed.last.job.public_id}")
    assert reviewed.people.viewer.get(making)["Location"] == reviewed.at()
    part = reviewed.people.viewer.get(making, headers={"HX-Request": "true"})
    assert (part.status_code, part["HX-Redirect"]) == (204, reviewed.at())


def test_a_job_that_failed_says_so_and_is_watched_no_longer(reviewed: Reviewed) -> None:
    job = make_job(reviewed.product, kind=Kind.EDIT, source_version=reviewed.last)
    job.move_to(Status.FAILED, reason="bug", advice="<i>It broke</i>.")
    making = reviewed.people.at(f"products/{reviewed.product.public_id}/versions/making/{job.public_id}")
    page = reviewed.people.viewer.read(making, headers={"HX-Request": "true"})
    assert "&lt;i&gt;It broke" in page
    assert "hx-get" not in page
    assert reviewed.at() in page


def test_the_page_of_a_version_made_by_an_edit_names_its_parent(reviewed: Reviewed) -> None:
    from tests.catalog.makers import finished

    third = add_finished(reviewed.product, finished(reviewed.people.shop))
    type(third).objects.filter(pk=third.pk).update(origin="edit", parent=reviewed.last, edits={"metallic": 1.0})
    assert "Version 2, metal 100%" in reviewed.people.viewer.read(reviewed.at("", third))
