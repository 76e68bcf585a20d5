"""Files of npm packages that our pages load, as static files of our own: no third party is ever asked"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage

THREE = "three/examples/jsm/libs"
FILES: Mapping[str, str] = {
    "vendor/htmx.min.js": "htmx.org/dist/htmx.min.js",
    "vendor/model-viewer.min.js": "@google/model-viewer/dist/model-viewer.min.js",
    "vendor/draco/draco_decoder.js": f"{THREE}/draco/gltf/draco_decoder.js",
    "vendor/draco/draco_decoder.wasm": f"{THREE}/draco/gltf/draco_decoder.wasm",
    "vendor/draco/draco_wasm_wrapper.js": f"{THREE}/draco/gltf/draco_wasm_wrapper.js",
    "vendor/basis/basis_transcoder.js": f"{THREE}/basis/basis_transcoder.js",
    "vendor/basis/basis_transcoder.wasm": f"{THREE}/basis/basis_transcoder.wasm",
}
"""Path among the static files -> path among the npm packages."""

SOURCE_MAP = b"//# sourceMappingURL="


class NpmFiles(FileSystemStorage):
    """The packages' folder under our names, without lines that name source maps: megabytes that we don't serve."""

    def path(self, name: str) -> str:
        return str(settings.BASE_DIR / "node_modules" / FILES[name.replace("\\", "/")])

    def _open(self, name: str, mode: str = "rb") -> File:
        lines = Path(self.path(name)).read_bytes().splitlines(keepends=True)
        return ContentFile(b"".join(line for line in lines if not line.startswith(SOURCE_MAP)), name)


class VendorFinder(BaseFinder):
    """Finds FILES; collecting them fails where the packages have not been installed."""

    storage = NpmFiles()

    def find(self, path: str, find_all: bool = False, **options: Any) -> Any:
        found = [self.storage.path(path)] if path in FILES and Path(self.storage.path(path)).exists() else []
        return found if find_all or not found else found[0]

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Storage]]:
        for name in FILES:
            yield name, self.storage
