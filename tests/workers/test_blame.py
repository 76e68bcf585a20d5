"""What a job is rejected for is written at the photo that it is about, with the place."""

import pytest

from assets_pipeline.errors import InputRejected
from assets_pipeline.worker.words import blame
from tests.catalog.makers import make_job, make_merchant, make_photo, make_product

pytestmark = pytest.mark.django_db

KNOWN = {"code": "busy_background", "text": "Plain paper.", "level": "note", "boxes": []}
PAIR = ((0.1, 0.2, 0.3, 0.6), (0.55, 0.2, 0.3, 0.6))


def test_the_photo_at_fault_is_marked_and_no_other() -> None:
    product = make_product(make_merchant(), photos=0)
    first, second = (make_photo(product, name="lamp.jpg", advice=[KNOWN]) for _ in range(2))
    error = InputRejected("several_products", "Two products.", photo="lamp.jpg (2)", boxes=PAIR)
    for _ in range(2):  # a job that is tried again says it once
        blame(make_job(product) if not product.jobs.exists() else product.jobs.get(), error)
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.advice == [KNOWN]
    boxes = [
        {"left": 0.1, "top": 0.2, "width": 0.3, "height": 0.6},
        {"left": 0.55, "top": 0.2, "width": 0.3, "height": 0.6},
    ]
    told = {"code": "several_products", "text": "Two products.", "level": "retake", "boxes": boxes}
    assert second.advice == [told, KNOWN]


def test_a_request_that_is_wrong_as_a_whole_blames_no_photo() -> None:
    product = make_product(make_merchant(), photos=0)
    photo = make_photo(product, name="", advice=[KNOWN])
    blame(make_job(product), InputRejected("dimensions_contradict", "Check the unit."))
    photo.refresh_from_db()
    assert photo.advice == [KNOWN]
