"""Which generator a job gets: by photos, by the merchant's terms, and by what live workers can run."""

import json
import math
from dataclasses import asdict
from typing import Any

import pytest

from assets_pipeline.errors import InputRejected, Unavailable
from assets_pipeline.generators import registry
from assets_pipeline.offers import Offer, Terms, choose_offer, offers_of, spec_of, why_not_licensed
from assets_pipeline.protocols import Licence


def advertised(name: str, *, why_not: str = "", **fields: Any) -> dict[str, Any]:
    """What a worker tells of a generator, as the database gives it back."""
    spec = asdict(registry.primitive().spec) | {"name": name} | fields
    return json.loads(json.dumps(spec | {"runs_here": not why_not, "why_not": why_not}))


def licence(**terms: Any) -> dict[str, Any]:
    return asdict(Licence("MIT", **terms))


def offers(*generators: dict[str, Any], queues: tuple[str, ...] = ("cpu",)) -> list[Offer]:
    return offers_of([(queues, generators)])


ANYWHERE = Terms("AR", 1e6)


def test_a_spec_survives_its_way_through_the_database() -> None:
    spec = registry.primitive().spec
    read = spec_of(advertised("primitive"))
    assert (read.name, read.min_views, read.max_views, read.queue) == (
        spec.name, spec.min_views, spec.max_views, spec.queue,
    )  # fmt: skip


def test_auto_takes_the_best_that_can_run_and_says_why_no_better_one() -> None:
    found = offers(
        advertised("network", why_not="needs an NVIDIA GPU with 8 GB"),
        advertised("walk-around", min_views=20),
        advertised("primitive"),
    )
    chosen = choose_offer("auto", 1, found, ANYWHERE)
    assert (chosen.name, chosen.queue) == ("primitive", "cpu")
    assert "network needs an NVIDIA GPU" in chosen.why
    assert "walk-around takes 20 photos or more" in chosen.why


def test_one_worker_that_can_run_it_is_enough() -> None:
    gpu = advertised("network", queue="gpu")
    lacking = advertised("network", queue="gpu", why_not="needs an NVIDIA GPU with 8 GB")
    assert choose_offer("auto", 1, offers_of([(("cpu",), [lacking]), (("gpu",), [gpu])]), ANYWHERE).queue == "gpu"


def test_a_generator_whose_queue_nobody_reads_does_not_run() -> None:
    found = offers(advertised("network", queue="gpu"), queues=("cpu", "io"))
    with pytest.raises(Unavailable, match="reads the queue gpu") as caught:
        choose_offer("network", 1, found, ANYWHERE)
    assert caught.value.code == "generator_unavailable"


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (Terms("DE", 1e6), "excludes DE"),
        (Terms("KR", 1e6), "excludes KR"),
        (Terms("", 1e6), "yours is not stated"),
        (Terms("US", 20e6), "1,000,000 US dollars"),
        (Terms("US", math.inf), "1,000,000 US dollars"),
        (Terms("US", 1e6), ""),
    ],
)
def test_terms_of_licences(terms: Terms, expected: str) -> None:
    found = why_not_licensed(Licence("X", territories_excluded=("EU", "KR"), revenue_cap_usd=1_000_000), terms)
    assert expected in found and bool(expected) == bool(found)


def test_a_licence_without_terms_asks_nothing() -> None:
    assert why_not_licensed(Licence("MIT"), Terms()) == ""


def test_auto_passes_over_what_the_merchants_country_excludes() -> None:
    found = offers(advertised("network", licence=licence(territories_excluded=("EU",))), advertised("primitive"))
    assert choose_offer("auto", 1, found, Terms("US")).name == "network"
    chosen = choose_offer("auto", 1, found, Terms("FR"))
    assert chosen.name == "primitive"
    assert "network its licence excludes FR" in chosen.why


@pytest.mark.parametrize("name", ["auto", "network"])
def test_who_has_to_act_is_told(name: str) -> None:
    def refused(photos: int, terms: Terms = ANYWHERE, **fields: Any) -> str:
        with pytest.raises((InputRejected, Unavailable)) as caught:
            choose_offer(name, photos, offers(advertised("network", **fields)), terms)
        return f"{type(caught.value).__name__} {caught.value.code}"  # type: ignore[attr-defined]

    excluded = licence(territories_excluded=("AR",))
    away = "no_generator" if name == "auto" else "generator_unavailable"
    assert refused(1, min_views=3) == "InputRejected photos_unsuitable"
    assert refused(1, licence=excluded) == "InputRejected licence_excluded"
    assert refused(1, why_not="needs weights") == f"Unavailable {away}"
    assert refused(1, min_views=3, licence=excluded, why_not="needs weights") == "InputRejected photos_unsuitable"


@pytest.mark.parametrize(("name", "code"), [("auto", "no_generator"), ("network", "generator_unavailable")])
def test_without_workers_time_has_to_act(name: str, code: str) -> None:
    with pytest.raises(Unavailable) as caught:
        choose_offer(name, 1, [], ANYWHERE)
    assert caught.value.code == code
