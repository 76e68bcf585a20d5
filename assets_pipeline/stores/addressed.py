"""files -> content-addressed keys under a prefix of a store"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256

from assets_pipeline.stores.s3 import S3Store, content_type_of

AT_ONCE = 4


def address(prefix: str, name: str, data: bytes) -> str:
    """The key of a file: the same for the same name and content, in whichever asset it is."""
    return f"{prefix}/{sha256(data).hexdigest()}/{name}"


@dataclass(frozen=True)
class AddressedStore:
    """`ObjectStore` that keeps each file under its `address`; reading, listing and deleting go by whole keys."""

    store: S3Store
    prefix: str

    def put_all(self, objects: Mapping[str, bytes]) -> None:
        """Store each file that is not there yet.

        When one cannot be stored, the others stay: another asset may have come to rely on them meanwhile. One that was
        there may be removed at this moment: whoever writes down that it is used looks again afterwards.
        """
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._put, objects, objects.values()))

    def get(self, key: str) -> bytes:
        """The bytes under `key`. Raises KeyError."""
        return self.store.get(key)

    def list(self, prefix: str) -> Iterator[str]:
        """Every key that begins with `prefix`."""
        return self.store.list(prefix)

    def delete(self, keys: Iterable[str]) -> None:
        """Delete; what is not there is no error."""
        self.store.delete(keys)

    def _put(self, name: str, data: bytes) -> None:
        self.store.put_once(address(self.prefix, name, data), data, content_type=content_type_of(name))
