"""What the page says of a version is what its certificate says, in a shopkeeper's words."""

from catalog.models import AssetVersion
from catalog.versions import FinishedAsset
from dashboard.review.certificate import LIMITS, judge, validators
from dashboard.review.files import file_rows
from dashboard.review.pictures import comparisons, maps, percent
from tests.dashboard.review.conftest import Reviewed
from tests.dashboard.review.made import Made


def test_a_real_certificate_is_told_with_its_own_figures(stored: Reviewed, made_mug: Made) -> None:
    certificate = made_mug.report["certificate"]
    judged = judge(stored.last)
    assert judged.letter == certificate["grade"] == "A"
    assert [side.metres for side in judged.sides] == list(certificate["dimensions"]["metres"].values())
    assert [side.words for side in judged.sides] == ["not given", "as you gave it", "not given"]
    assert judged.unseen == f"{100 * certificate['unseen']:.0f} %"
    assert [limit.kept for limit in judged.limits] == [row["ok"] for row in certificate["limits"]]
    assert not judged.needs_a_look


def test_every_limit_has_a_name_for_people(made_mug: Made, made_shoe: Made) -> None:
    for made in (made_mug, made_shoe):
        assert {row["name"] for row in made.report["certificate"]["limits"]} <= set(LIMITS)


def test_each_photo_lies_beside_the_render_that_it_is_compared_with(stored: Reviewed, made_mug: Made) -> None:
    found = comparisons(stored.last)
    rows = made_mug.report["certificate"]["agreement"]["photos"]
    assert [(each.name, each.overlap, each.made_from_it) for each in found] == [
        (row["photo"], row["iou"], row["made_from_it"]) for row in rows
    ]
    names = {file["name"] for file in stored.last.files}
    assert {each.photo for each in found} | {each.render for each in found} | {each.cutout for each in found} <= names


def test_the_page_tells_made_from_it_from_predicted(stored: Reviewed) -> None:
    page = stored.people.viewer.read(stored.at())
    assert page.count("Little: made from it") == 1
    assert page.count("Much: predicted") == 2
    assert page.count("so this proves little") == 1
    assert "top: straight down into it" in page
    assert "Khronos glTF Validator" in page


def test_a_guess_is_called_one_and_says_what_would_help(guessed: Reviewed) -> None:
    page = guessed.people.viewer.read(guessed.at())
    assert "A guess: look closely" in page
    assert "its depth and its back are not known" in page
    assert "right: straight from the side" in page
    assert judge(guessed.last).needs_a_look


def test_a_certificate_that_says_nothing_is_told_without_inventing_anything(reviewed: Reviewed) -> None:
    AssetVersion.objects.filter(pk=reviewed.last.pk).update(certificate={}, metrics={}, dimensions={}, licence={})
    page = reviewed.people.owner.read(reviewed.at())
    assert "Nothing was kept to compare this version with its photos" in page
    for absent in ("What no photo shows", "<h3>Size", "Validators", "Limits:", "never photographed"):
        assert absent not in page


def test_an_uploaded_model_says_that_photos_cannot_be_laid_over_it(reviewed: Reviewed) -> None:
    AssetVersion.objects.filter(pk=reviewed.last.pk).update(origin="upload")
    page = reviewed.people.owner.read(reviewed.at())
    assert "This model was uploaded" in page
    assert "a model that you uploaded" in page


def test_validators_and_files_are_told_with_their_figures(stored: Reviewed) -> None:
    found = {each.file: each for each in validators(stored.last)}
    assert found["model.glb"].verdict == "0 errors, 0 warnings, 0 infos"
    assert found["model.usdz"].verdict == "0 findings"
    rows = {row.name: row for row in file_rows(stored.last)}
    assert rows["model.glb"].triangles == stored.last.metrics["triangles"]
    assert rows["model.glb"].textures == "512 × 512"
    assert [each.name for each in maps(stored.last)] == ["Colour", "Shine", "Fine relief", "Soft shadow"]


def test_a_photos_name_with_markup_stays_text(reviewed: Reviewed, made_mug: Made) -> None:
    evil = "<img src=x onerror=alert(1)>.jpg"
    certificate = {"agreement": {"photos": [{"photo": evil, "iou": 0.9, "color_difference": 3, "made_from_it": True}]}}
    files = [{"name": name, "key": "k", "bytes": 1} for name in ("photo-1.webp", "render-1.webp")]
    AssetVersion.objects.filter(pk=reviewed.last.pk).update(certificate=certificate, files=files)
    page = reviewed.people.owner.read(reviewed.at())
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;.jpg" in page


def test_figures_that_do_not_belong_to_the_pictures_are_not_told(reviewed: Reviewed) -> None:
    rows = [{"photo": name, "iou": 0.9, "color_difference": 3, "made_from_it": True} for name in ("a.jpg", "b.jpg")]
    files = [{"name": name, "key": "k", "bytes": 1} for name in ("photo-2.webp", "render-2.webp", "photo-3.webp")]
    version = reviewed.last
    version.certificate, version.files = {"agreement": {"photos": rows}}, files
    assert [(each.name, each.overlap) for each in comparisons(version)] == [("photo 2", None)]


def test_no_share_is_rounded_to_all_or_nothing() -> None:
    assert [percent(share) for share in (None, 0.0, 0.004, 0.5671, 0.998, 1.0)] == [
        "", "0 %", "0.4 %", "57 %", "99.8 %", "100 %",
    ]  # fmt: skip


def test_what_a_worker_hands_over_is_what_the_page_reads(stored: Reviewed) -> None:
    assert set(FinishedAsset.__dataclass_fields__) >= {"certificate", "dimensions", "licence"}
    assert judge(stored.last).note.startswith("Agreement with a photo")
