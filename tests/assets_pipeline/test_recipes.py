import pytest

from assets_pipeline.recipes import PROFILES, QUALITIES, RecipeError, check_profile, make_recipe

FITS = {"triangles": 50_000, "texture_size": 2048, "glb_bytes": 1_000, "web_bytes": 1_000, "usdz_bytes": 1_000}


@pytest.mark.parametrize("quality", QUALITIES)
def test_each_quality_fits_every_profile_that_is_named(quality):
    recipe = make_recipe(quality, profiles=list(PROFILES))
    for name in PROFILES:
        assert check_profile(name, **FITS | {"triangles": recipe.triangles, "texture_size": recipe.texture_size}) == ()


def test_standard_is_u2net_with_fifty_thousand_triangles_and_2048_pixels():
    recipe = make_recipe()
    assert (recipe.segmenter, recipe.triangles, recipe.texture_size) == ("u2net", 50_000, 2048)


def test_draft_costs_less_than_standard_and_standard_less_than_high():
    draft, standard, high = (make_recipe(name) for name in ("draft", "standard", "high"))
    assert draft.triangles < standard.triangles < high.triangles
    assert draft.working_side < standard.working_side < high.working_side
    assert draft.segmenter == "u2netp"


def test_a_wish_wins_over_the_quality():
    recipe = make_recipe("draft", triangles=1234, texture_size=512, segmenter="isnet", seed=7)
    assert (recipe.triangles, recipe.texture_size, recipe.segmenter, recipe.seed) == (1234, 512, "isnet", 7)


def test_a_named_profile_lowers_what_the_quality_would_spend():
    assert make_recipe("high").triangles == 100_000
    assert make_recipe("high", profiles=["web", "web"]).triangles == PROFILES["web"].triangles
    assert make_recipe("high", profiles=["web", "web"]).profiles == ("web",)


def test_a_wish_beyond_a_named_profile_is_refused():
    with pytest.raises(RecipeError, match="profile web takes at most 50000 triangles, not 60000"):
        make_recipe(profiles=["shopify", "web"], triangles=60_000)


def test_a_profile_says_what_is_too_much_for_it():
    assert check_profile("web", **FITS) == ()
    assert check_profile("web", **FITS | {"triangles": 50_001}) == ("50001 triangles, at most 50000",)
    findings = check_profile("web", **FITS | {"glb_bytes": 5_000_001, "usdz_bytes": 6_000_000})
    assert findings == ("5000001 bytes of model.glb, at most 5000000", "6000000 bytes of model.usdz, at most 5000000")
