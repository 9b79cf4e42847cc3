"""How to delete an account is explained to everybody."""

from collections.abc import Callable

import pytest
from flask import Flask, redirect
from werkzeug.wrappers import Response

from backoffice.controls.check import State
from tests.controls.conftest import Look

CONTROL, PAGE = "deletion-instructions", "accounts.about_deactivating"


def test_the_page_answers_a_stranger(look: Look) -> None:
    found = look(CONTROL)
    assert found.state is State.HOLDS
    assert "without sign-in" in found.evidence


def asks_to_sign_in() -> Response:
    return redirect("/sign-in")


def says_nothing_of_it() -> str:
    return '<a href="/account">My account</a>'


@pytest.mark.parametrize("page", [asks_to_sign_in, says_nothing_of_it])
def test_a_page_that_asks_to_sign_in_or_leads_nowhere_falls_short(
    app: Flask, look: Look, monkeypatch: pytest.MonkeyPatch, page: Callable[[], str | Response]
) -> None:
    monkeypatch.setitem(app.view_functions, PAGE, page)
    assert look(CONTROL).state is State.FALLS_SHORT
