"""Files of npm packages that our pages load, as static files of our own: no third party is ever asked"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage, Storage

FILES: Mapping[str, str] = {
    "vendor/htmx.min.js": "htmx.org/dist/htmx.min.js",
    "vendor/model-viewer.min.js": "@google/model-viewer/dist/model-viewer.min.js",
    "vendor/model-viewer.min.js.map": "@google/model-viewer/dist/model-viewer.min.js.map",  # the script names it
}
"""Path among the static files -> path among the npm packages."""


class NpmFiles(FileSystemStorage):
    """The packages' folder under our names."""

    def path(self, name: str) -> str:
        return str(settings.BASE_DIR / "node_modules" / FILES[name.replace("\\", "/")])


class VendorFinder(BaseFinder):
    """Finds FILES; collecting them fails where the packages have not been installed."""

    storage = NpmFiles()

    def find(self, path: str, find_all: bool = False, **options: Any) -> Any:
        found = [self.storage.path(path)] if path in FILES and Path(self.storage.path(path)).exists() else []
        return found if find_all or not found else found[0]

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Storage]]:
        for name in FILES:
            yield name, self.storage
