"""Pages may load our own scripts and talk to us and to the store, nothing else."""

import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from infra.security import content_security_policy, harden, store_origins


def rules(policy: str) -> dict[str, str]:
    return dict(rule.split(" ", 1) for rule in policy.split("; "))


@pytest.mark.django_db
def test_every_answer_carries_the_headers(client: Client) -> None:
    for path in ("/healthz", "/not-here"):
        headers = client.get(path).headers
        policy = rules(headers["Content-Security-Policy"])
        assert policy["default-src"] == "'self'"
        assert {policy[name] for name in ("object-src", "base-uri", "frame-ancestors")} == {"'none'"}
        assert policy["script-src"] == "'self'"
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert "camera=()" in headers["Permissions-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Frame-Options"] == "DENY"


def test_pictures_and_uploads_may_use_the_store_and_scripts_may_not() -> None:
    policy = rules(content_security_policy(("https://cdn.example",)))
    for name in ("img-src", "connect-src", "form-action"):
        assert "https://cdn.example" in policy[name]
    assert "cdn.example" not in policy["script-src"]
    assert policy["default-src"] == "'self'"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "allowed"), [("/e/prd_none", True), ("/embed.js", False), ("/", False), ("/sign-in", False), ("/e", False)]
)
def test_only_the_viewers_page_may_be_framed(client: Client, path: str, allowed: bool) -> None:
    headers = client.get(path).headers
    assert rules(headers["Content-Security-Policy"])["frame-ancestors"] == ("*" if allowed else "'none'")
    assert headers.get("X-Frame-Options") == (None if allowed else "DENY")


def test_the_viewers_own_style_is_known_by_its_hash_where_models_are_shown(root: Path) -> None:
    script = (root / "node_modules/@google/model-viewer/dist/model-viewer.min.js").read_text()
    (style,) = re.findall(r"<style>(.*?)</style>", script, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert rules(content_security_policy((), viewer=True))["style-src"] == f"'self' 'sha256-{digest}'"
    assert rules(content_security_policy(()))["style-src"] == "'self'"


@pytest.mark.django_db
def test_what_others_answer_beside_the_viewers_page_may_not_be_framed(client: Client) -> None:
    answers = {404: client.get("/e/prd_none/more"), 405: client.post("/e/prd_none")}
    for status, answer in answers.items():
        assert answer.status_code == status
        assert rules(answer.headers["Content-Security-Policy"])["frame-ancestors"] == "'none'"
        assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.mark.django_db
def test_only_pages_with_models_may_unpack_them(client: Client) -> None:
    assert "'wasm-unsafe-eval'" in client.get("/e/prd_none").headers["Content-Security-Policy"]
    assert "'wasm-unsafe-eval'" not in client.get("/sign-in").headers["Content-Security-Policy"]


def test_the_store_is_where_browsers_reach_it(settings) -> None:
    env = replace(settings.ENV, s3_endpoint_url="http://s3.internal:9000", s3_public_url="", cdn_base_url="")
    assert store_origins(env) == ("http://s3.internal:9000",)
    outside = replace(env, s3_public_url="https://s3.example", cdn_base_url="https://cdn.example/assets")
    assert store_origins(outside) == ("https://s3.example", "https://cdn.example")
    amazon = replace(env, s3_endpoint_url="", s3_bucket="lamps", s3_region="eu-central-1")
    assert store_origins(amazon) == ("https://lamps.s3.eu-central-1.amazonaws.com",)


def test_a_views_own_policy_counts_more() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={"Content-Security-Policy": "default-src 'none'"})

    response = harden(view)(RequestFactory().get("/"))  # type: ignore[arg-type]
    assert response["Content-Security-Policy"] == "default-src 'none'"
