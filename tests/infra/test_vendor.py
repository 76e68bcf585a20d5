"""What pages load from npm packages is served by ourselves, and its absence is noticed when files are collected."""

from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command

from infra.vendor import FILES, VendorFinder


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_file_is_found_under_our_name(name: str) -> None:
    found = finders.find(name)
    assert found
    assert Path(found).stat().st_size > 1000


def test_nothing_else_of_the_packages_is_served() -> None:
    for name in ("vendor/htmx.js", "vendor/../package.json", "htmx.org/package.json", "vendor/"):
        assert finders.find(name) is None


def test_packages_that_are_missing_stop_the_collection(tmp_path: Path, settings) -> None:
    assert {name for name, _ in VendorFinder().list(None)} == set(FILES)
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATICFILES_FINDERS = ["infra.vendor.VendorFinder"]
    settings.BASE_DIR = tmp_path
    with pytest.raises(FileNotFoundError, match="node_modules"):
        call_command("collectstatic", interactive=False, verbosity=0)
