"""The API as a shop's program uses it: plain HTTP."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests

ENDED = {"needs_review", "published", "rejected", "failed", "cancelled"}


@dataclass(frozen=True)
class Client:
    """One key's way in."""

    url: str
    key: str

    def ask(self, method: str, path: str, *, expect: int, **options: Any) -> Any:
        """The answer's JSON; fails with its text when the status is another."""
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        answer = requests.request(method, f"{self.url}/api/v1/{path}", headers=headers, timeout=30, **options)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def upload(self, product: str, name: str, photo: bytes, view: str = "") -> dict[str, Any]:
        """Presign, send the photo straight to the store, confirm."""
        wish = {"name": name, "content_type": "image/jpeg", "view": view}
        opened = self.ask("POST", f"products/{product}/uploads", expect=201, json=wish)
        form = opened["upload"]
        sent = requests.post(form["url"], data=form["fields"], files={"file": (name, photo, "image/jpeg")}, timeout=30)
        assert sent.status_code in {200, 201, 204}, sent.text
        return dict(self.ask("POST", f"photos/{opened['photo']['id']}/confirm", expect=200))

    def events(self, job: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(event, data) as they come, until the server closes."""
        headers = {"Authorization": f"Bearer {self.key}", "Accept": "text/event-stream"}
        address = f"{self.url}/api/v1/jobs/{job}/events"
        with requests.get(address, headers=headers, stream=True, timeout=(10, 60)) as answer:
            assert answer.status_code == 200, answer.text
            event = "message"
            for line in answer.iter_lines(decode_unicode=True):
                if line.startswith("event:"):
                    event = line.partition(":")[2].strip()
                elif line.startswith("data:"):
                    yield event, json.loads(line.partition(":")[2])
