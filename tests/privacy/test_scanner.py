"""The scanner is not blind: whatever the form and the neighbours, it finds."""

import base64

import pytest

from tests.privacy.scanner import held

SECRET = "Zoë Brontë-Lee"
NOISE = [b"", b"x", b"ab", b"abc", b"--?>"]


@pytest.mark.parametrize("before", NOISE)
@pytest.mark.parametrize("after", NOISE)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_every_form_is_found(before: bytes, after: bytes, encoding: str) -> None:
    raw = SECRET.encode(encoding)
    whole = before + raw + after
    for written in (
        whole,
        whole.hex().encode(),
        whole.hex().upper().encode(),
        base64.b64encode(whole),
        base64.urlsafe_b64encode(whole),
    ):
        pile = b"nothing to see " + written + b" and more"
        assert set(held(pile, [SECRET, "somebody else"])) == {SECRET}


def test_other_letters_of_case_are_found() -> None:
    assert held(b"MARGARET", ["Margaret"])
    assert held("margaret".encode("utf-16"), ["Margaret"])
    assert held(b"margaret".hex().encode(), ["Margaret"])
    assert held(base64.b64encode(b"margaret"), ["Margaret"])


def test_nothing_is_found_where_nothing_is() -> None:
    assert held(b"Margare margareth".replace(b"margareth", b"argaret"), ["Margaret"]) == {}
