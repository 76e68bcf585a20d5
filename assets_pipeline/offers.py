"""what live workers advertise, photos and a merchant's terms -> the generator of a job, and why it and no other"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assets_pipeline.errors import InputRejected, Unavailable
from assets_pipeline.generators.registry import AUTO, why_not_these
from assets_pipeline.protocols import GeneratorSpec, Licence

EUROPEAN_UNION = frozenset((
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
))  # fmt: skip
"""What "EU" means in a licence's territories."""


@dataclass(frozen=True)
class Terms:
    """What a licence asks of a merchant. country: ISO 3166-1 alpha-2, empty where not stated.

    revenue_usd: the most that a year's revenue may be; infinite where not stated.
    """

    country: str = ""
    revenue_usd: float = math.inf


@dataclass(frozen=True)
class Offer:
    """A generator that live workers know. why_not: what all of them lack to run it, one phrase; empty: one can."""

    spec: GeneratorSpec
    why_not: str = ""


@dataclass(frozen=True)
class Chosen:
    """The generator that will run, where, and why it."""

    name: str
    queue: str
    why: str


def offers_of(workers: Iterable[tuple[Sequence[str], Sequence[Mapping[str, Any]]]]) -> list[Offer]:
    """Best first. workers: (queues that it reads, generators that it advertises) of each that lives."""
    found: dict[str, Offer] = {}
    for queues, generators in workers:
        for stored in generators:
            offer = Offer(spec_of(stored), lack_of(stored, queues))
            if offer.spec.name not in found or (found[offer.spec.name].why_not and not offer.why_not):
                found[offer.spec.name] = offer
    return list(found.values())


def choose_offer(name: str, photos: int, offers: Sequence[Offer], terms: Terms) -> Chosen:
    """The generator `name`, or for `auto` the best that photos, terms and live workers allow.

    Raises InputRejected when photos or terms do not suit, Unavailable when no live worker can run it.
    """
    if name == AUTO:
        return _choose_best(photos, offers, terms)
    offer = next((offer for offer in offers if offer.spec.name == name), None)
    if offer is None:
        raise Unavailable("generator_unavailable", f"No worker that runs now knows the generator {name}.")
    if lack := why_not_these(offer.spec, photos):
        raise InputRejected("photos_unsuitable", f"The generator {name} {lack}; {photos} given.")
    if lack := why_not_licensed(offer.spec.licence, terms):
        raise InputRejected("licence_excluded", f"The generator {name} may not be used: {lack}.")
    if offer.why_not:
        raise Unavailable("generator_unavailable", f"The generator {name} cannot run now: it {offer.why_not}.")
    return Chosen(name, offer.spec.queue, "asked for by name")


def why_not_licensed(licence: Licence, terms: Terms) -> str:
    """What keeps a merchant from using what comes under `licence`, one phrase; empty when nothing does."""
    excluded = {
        country
        for territory in licence.territories_excluded
        for country in (EUROPEAN_UNION if territory == "EU" else {territory})
    }
    if terms.country in excluded:
        return f"its licence excludes {terms.country}"
    if excluded and not terms.country:
        return "its licence excludes some countries, and yours is not stated"
    if licence.revenue_cap_usd is not None and terms.revenue_usd > licence.revenue_cap_usd:
        return f"its licence ends at a yearly revenue of {licence.revenue_cap_usd:,} US dollars"
    return ""


def spec_of(stored: Mapping[str, Any]) -> GeneratorSpec:
    """The spec as it was before it became JSON, as far as choosing needs it."""
    licence = stored["licence"]
    return GeneratorSpec(
        name=stored["name"],
        summary=stored["summary"],
        min_views=stored["min_views"],
        max_views=stored["max_views"],
        named_views=(),
        outputs=(),
        device=stored["device"],
        queue=stored["queue"],
        licence=Licence(
            code=licence["code"],
            weights=licence["weights"],
            territories_excluded=tuple(licence["territories_excluded"]),
            revenue_cap_usd=licence["revenue_cap_usd"],
        ),
    )


def lack_of(stored: Mapping[str, Any], queues: Sequence[str]) -> str:
    """What keeps a worker that reads `queues` from running what it advertises, one phrase; empty when nothing does."""
    if not stored["runs_here"]:
        return str(stored["why_not"])
    if stored["queue"] not in queues:
        return f"needs a worker that reads the queue {stored['queue']}"
    return ""


def _choose_best(photos: int, offers: Sequence[Offer], terms: Terms) -> Chosen:
    passed_over: list[str] = []
    suited, licensed = False, False
    for offer in offers:
        spec = offer.spec
        unsuited, unlicensed = why_not_these(spec, photos), why_not_licensed(spec.licence, terms)
        lack = unsuited or unlicensed or offer.why_not
        if not lack:
            first = f"the best that workers run now on {photos} photo{'s' if photos > 1 else ''}"
            return Chosen(spec.name, spec.queue, "; ".join([first, *passed_over]))
        passed_over.append(f"{spec.name} {lack}")
        suited = suited or not unsuited
        licensed = licensed or not (unsuited or unlicensed)
    listed = "; ".join(passed_over) or "no worker advertises one"
    if offers and not suited:
        raise InputRejected("photos_unsuitable", f"No generator takes {photos} photos: {listed}.")
    if offers and not licensed:
        raise InputRejected("licence_excluded", f"No generator may be used: {listed}.")
    raise Unavailable("no_generator", f"No generator can run now: {listed}.")
