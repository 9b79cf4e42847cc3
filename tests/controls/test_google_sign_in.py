"""Providers in use answer over https, and who is linked has a verified address."""

from collections.abc import Iterator

import pytest

from backoffice.accounts.providers import protocol
from backoffice.controls.check import State
from tests.controls.conftest import Broken, Look
from tests.factories.vouching import Vouching, vouching
from tests.factories.world import World

CONTROL = "google-sign-in"
COLUMN = "alter table app.account_identity alter email_verified_at"
LINKS = "update app.account_identity set email_verified_at"


@pytest.fixture
def google(world: World) -> Iterator[Vouching]:
    del world
    with vouching() as made:
        yield made


def test_without_a_provider_it_is_not_exercised(look: Look) -> None:
    assert look(CONTROL).state is State.NOT_EXERCISED


def test_a_provider_that_answers_holds(look: Look, google: Vouching) -> None:
    finding = look(CONTROL)
    assert (finding.state, finding.evidence) == (
        State.HOLDS,
        "Google in use, answering; 1 linked account, each with a verified address.",
    )
    look(CONTROL)
    assert google.asked.count(protocol.WELL_KNOWN) == 2, "Asked anew each time."


def test_one_that_answers_no_more_falls_short(look: Look, google: Vouching) -> None:
    look(CONTROL)
    google.statuses = {protocol.WELL_KNOWN: 500}
    finding = look(CONTROL)
    assert (finding.state, finding.evidence) == (
        State.FALLS_SHORT,
        "No good answer from Google (status 500).",
    )


def test_one_that_sends_people_elsewhere_without_https_falls_short(look: Look, google: Vouching) -> None:
    google.metadata = {"authorization_endpoint": "http://accounts.google.example/authorize"}
    finding = look(CONTROL)
    assert (finding.state, "an address without https" in finding.evidence) == (State.FALLS_SHORT, True)


def test_a_link_without_a_verified_address_falls_short(look: Look, broken: Broken, google: Vouching) -> None:
    do, undo = f"{COLUMN} drop not null; {LINKS} = null", f"{LINKS} = linked_at; {COLUMN} set not null"
    with broken(do, undo):
        finding = look(CONTROL)
    assert (finding.state, finding.evidence) == (
        State.FALLS_SHORT,
        "1 linked account of 1 without a verified address.",
    )
    assert look(CONTROL).state is State.HOLDS
