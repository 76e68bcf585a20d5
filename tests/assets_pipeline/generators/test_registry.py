from dataclasses import dataclass, replace

import pytest

from assets_pipeline.errors import InputRejected, Unavailable
from assets_pipeline.generators.registry import AUTO, GENERATORS, choose, why_not_here, why_not_these
from assets_pipeline.protocols import GeneratorSpec, Licence

SPEC = GeneratorSpec(
    name="other",
    summary="another generator",
    min_views=1,
    max_views=4,
    named_views=(),
    outputs=("base_color",),
    device="cpu",
    queue="cpu",
    licence=Licence(code="Apache-2.0"),
)


@dataclass(frozen=True)
class Other:
    """A generator known by its spec alone: choosing never generates."""

    spec: GeneratorSpec


def everything(name: str) -> bool:
    return True


def nothing(name: str) -> bool:
    return False


@pytest.mark.parametrize("name", GENERATORS)
def test_each_registered_generator_can_be_made_and_goes_by_its_name(name):
    generator = GENERATORS[name]()
    assert generator.spec.name == name
    assert generator.spec.min_views <= generator.spec.max_views
    assert generator.spec.licence.code


def test_auto_takes_the_first_that_fits_and_says_so():
    choice = choose(AUTO, 1, nothing)
    assert choice.generator.spec.name == "primitive"
    assert choice.why == "the best that can run here on 1 photo"


def test_auto_says_why_it_passed_over_a_better_one():
    better = replace(SPEC, name="better", weights=("big",))
    many = replace(SPEC, name="many", min_views=20, max_views=100)
    generators = {s.name: lambda s=s: Other(s) for s in (better, many, SPEC)}
    choice = choose(AUTO, 2, nothing, generators)
    assert choice.generator.spec is SPEC
    assert choice.why == (
        "the best that can run here on 2 photos; better needs weights: plinth weights fetch big; "
        "many takes 20 photos or more"
    )
    assert choose(AUTO, 2, everything, generators).generator.spec is better


def test_auto_with_nothing_left_is_unavailable():
    generators = {"better": lambda: Other(replace(SPEC, name="better", packages=("no_such_package",)))}
    with pytest.raises(Unavailable, match="better needs the Python packages no_such_package"):
        choose(AUTO, 1, everything, generators)


def test_a_number_of_photos_that_no_generator_takes_is_the_merchants_to_mend():
    generators = {"one": lambda: Other(replace(SPEC, max_views=1)), "many": lambda: Other(replace(SPEC, min_views=20))}
    with pytest.raises(InputRejected, match="No generator takes 5 photos: one takes 1 photo at most; many takes 20"):
        choose(AUTO, 5, everything, generators)


def test_a_generator_asked_for_by_name_is_never_replaced():
    generators = {"a": lambda: Other(replace(SPEC, name="a", weights=("w",))), "b": lambda: Other(SPEC)}
    with pytest.raises(Unavailable) as unavailable:
        choose("a", 1, nothing, generators)
    assert unavailable.value.code == "generator_unavailable"
    assert choose("a", 1, everything, generators).why == "asked for by name"


def test_photos_that_a_generator_asked_for_cannot_take_are_the_merchants_to_mend():
    generators = {"a": lambda: Other(replace(SPEC, max_views=1))}
    with pytest.raises(InputRejected) as rejected:
        choose("a", 2, everything, generators)
    assert rejected.value.code == "photos_unsuitable"
    assert "takes 1 photo at most; 2 given" in rejected.value.advice


def test_a_gpu_is_asked_for_where_there_is_none():
    assert why_not_here(replace(SPEC, device="cuda", vram_gb=8, packages=()), everything) in (
        "needs an NVIDIA GPU with 8 GB",
        "",  # on a machine that has one
    )


def test_photo_counts_within_limits_are_no_obstacle():
    assert why_not_these(SPEC, 1) == why_not_these(SPEC, 4) == ""
    assert why_not_these(SPEC, 5) == "takes 4 photos at most"
