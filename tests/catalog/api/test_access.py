"""Who may do what with whom"""

from tests.catalog.conftest import Cast


def test_everybody_is_told_who_they_are(cast: Cast) -> None:
    told = {name: getattr(cast, name).get("me").json() for name in ("owner", "editor", "viewer", "reader", "writer")}
    assert {name: me["role"] for name, me in told.items()} == {
        "owner": "owner",
        "editor": "editor",
        "viewer": "viewer",
        "reader": "viewer",
        "writer": "editor",
    }
    assert all(me["merchant"]["slug"] == "shop" for me in told.values())


def test_whoever_has_neither_key_nor_session_is_asked_for_one(cast: Cast) -> None:
    answer = cast.nobody.get("me")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json()["error"]["code"] == "not_signed_in"
