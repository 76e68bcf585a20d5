import io
import zipfile

import pytest

from assets_pipeline.formats.package import layout_faults, read_package, write_package

FILES = {f"textures/{'n' * length}.png": bytes(range(length)) for length in range(1, 130)}


def test_any_names_and_sizes_are_stored_aligned_and_readable() -> None:
    data = write_package(FILES)
    assert read_package(data) == FILES
    assert layout_faults(data) == []
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        assert package.testzip() is None
        assert package.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)


def test_the_same_files_give_the_same_bytes() -> None:
    assert write_package(FILES) == write_package(dict(FILES))


@pytest.mark.parametrize(("method", "fault"), [(zipfile.ZIP_DEFLATED, "compressed"), (zipfile.ZIP_STORED, "multiple")])
def test_what_cannot_be_mapped_is_told(method: int, fault: str) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as package:
        package.writestr("model.usdc", b"x" * 500)
    assert [fault in line for line in layout_faults(stream.getvalue())].count(True) == 1


@pytest.mark.parametrize("damage", [slice(0, 40), slice(10, None), slice(0, -30)])
def test_a_damaged_package_is_refused(damage: slice) -> None:
    with pytest.raises(ValueError):
        read_package(write_package({"model.usdc": b"x" * 100})[damage])
