"""Shops and keys from the command line."""

import pytest
from django.core.management import CommandError, call_command

from catalog.merchants import find_api_key
from catalog.models import Merchant, Role

pytestmark = pytest.mark.django_db


def last_word(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.split()[-1]


def test_a_shop_comes_with_its_owner_and_a_key_that_writes(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_merchant", "Lamp House", "--owner", "anna@lamps.example", "--key", "shop")
    key = find_api_key(last_word(capsys))
    assert key is not None
    assert key.may_write
    assert key.merchant.slug == "lamp-house"
    assert [member.role for member in key.merchant.members.all()] == [Role.OWNER]


def test_a_wrong_country_is_one_sentence_and_leaves_nothing() -> None:
    with pytest.raises(CommandError):
        call_command("create_merchant", "Lamp House", "--owner", "anna@lamps.example", "--country", "Germany")
    assert not Merchant.objects.exists()


def test_a_key_is_issued_and_revoked(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_merchant", "Lamp House", "--owner", "anna@lamps.example")
    call_command("issue_key", "lamp-house", "till", "--read-only")
    text = last_word(capsys)
    key = find_api_key(text)
    assert key is not None
    assert not key.may_write
    call_command("revoke_key", key.public_id)
    assert find_api_key(text) is None


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(CommandError, match="no shop"):
        call_command("issue_key", "nowhere", "till")
    with pytest.raises(CommandError, match="0 keys"):
        call_command("revoke_key", "key_nothing")
