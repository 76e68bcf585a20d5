"""The list of versions: what each was made from, which one is shown, and two of them side by side."""

from catalog.models import AssetVersion
from dashboard.review.history import history_of, origin_words
from tests.catalog.makers import finished
from tests.dashboard.review.conftest import Reviewed
from tests.dashboard.review.made import add_finished


def test_versions_are_listed_newest_first_with_where_they_stand(reviewed: Reviewed) -> None:
    rows = history_of(reviewed.fresh(), reviewed.last)
    assert [(row.version.number, row.standing.state, row.is_this) for row in rows] == [
        (2, "review", True),
        (1, "shown", False),
    ]


def test_where_a_version_comes_from_is_told(reviewed: Reviewed) -> None:
    first, second = reviewed.versions
    assert origin_words(first) == "Made from photos"
    second.origin, second.parent, second.edits = (
        "edit",
        first,
        {"roughness": 0.0, "turn_degrees": 90, "tint": "#ff0000"},
    )
    assert origin_words(second) == "Version 1, roughness 0%, tint #ff0000, turned by 90°"
    second.parent = None
    assert origin_words(second).startswith("A deleted version")
    second.origin = "upload"
    assert origin_words(second) == "Uploaded model"


def test_two_versions_stand_side_by_side_the_older_one_first(reviewed: Reviewed) -> None:
    first, second = reviewed.versions
    AssetVersion.objects.filter(pk=first.pk).update(alt_text="<b>bold</b>")
    for path in (reviewed.at(f"compare/{first.public_id}"), reviewed.at(f"compare/{second.public_id}", first)):
        page = reviewed.people.viewer.read(path)
        assert "Version 1 beside version 2" in page
        assert page.index("side-1") < page.index("side-2")
        assert page.count("<model-viewer") == 2
        assert "<b>bold" not in page


def test_the_list_asks_the_database_the_same_however_long_it_is(reviewed: Reviewed, django_assert_num_queries) -> None:
    product = reviewed.fresh()
    with django_assert_num_queries(3):
        history_of(product, reviewed.last)
    for _ in range(3):
        add_finished(product, finished(reviewed.people.shop))
    with django_assert_num_queries(3):
        assert len(history_of(product, reviewed.last)) == 5
