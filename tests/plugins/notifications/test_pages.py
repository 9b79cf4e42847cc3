"""The pages of incidents, as founders and others meet them."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.tiles import Number
from plugins.notifications import schools, services
from plugins.notifications.models import ConcernedSchool
from plugins.notifications.scope.models import SourceKind
from plugins.notifications.tiles import TILES
from tests.contract.pages import form_token
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.conftest import Opens, row_of

PAGE = "/console/incidents/"


@pytest.fixture
def browser(app: Flask, world: World) -> FlaskClient:
    return signed_in(app, world, "founder")


def send(browser: FlaskClient, address: str, **fields: object) -> tuple[int, str]:
    """The answer to a form that was filled in so, and where it leads."""
    token = form_token(browser.get(address if "leave-out" not in address else PAGE).text)
    answer = browser.post(address, data={"csrf_token": token, **fields})
    return answer.status_code, answer.location or ""


def test_an_incident_shows_what_is_known_and_what_runs(
    browser: FlaskClient, world: World, opens: Opens
) -> None:
    made, founder = opens(timedelta(hours=30), title="Gnus <b>"), world.sign_in("founder")
    schools.concern(principal=founder, incident=made, place=world.home.public_id)
    services.add_task(principal=founder, incident=made, said="Change <i> locks", due_at=None)
    services.decide(principal=founder, incident=made, said="We tell", reason="They read names")
    text = browser.get(f"{PAGE}{made}").text
    for words in ("Gnus &lt;b&gt;", "A gnu read the mails", "Change &lt;i&gt; locks", "They read names"):
        assert words in text
    assert world.home.name in text
    assert "Who has to be told by when" in text


def test_the_list_says_what_ends_next(browser: FlaskClient, world: World, opens: Opens) -> None:
    made, founder = opens(), world.sign_in("founder")
    schools.concern(principal=founder, incident=made, place=world.home.public_id)
    text = browser.get(PAGE).text
    assert "Gnus at large" in text
    assert "Gnus at large" not in browser.get(f"{PAGE}?state=closed").text


@pytest.mark.parametrize("role", ["leader", "officer", "teacher", "parent", "outsider"])
def test_others_find_no_incidents(app: Flask, world: World, opens: Opens, role: str) -> None:
    made, other = opens(), signed_in(app, world, role)
    for address in ("", made, f"{made}/facts", f"{made}/note", f"{made}/close", "new"):
        answer = other.get(f"{PAGE}{address}")
        assert answer.status_code in {403, 404}
        assert "Gnus" not in answer.text


def test_a_moment_is_the_one_on_the_founders_wall(browser: FlaskClient, world: World, opens: Opens) -> None:
    made = opens(timedelta(days=3))
    zone = world.sign_in("founder").time_zone
    assert zone
    at = clock.now().replace(second=0, microsecond=0) - timedelta(days=1)
    before = browser.get(f"{PAGE}{made}/facts").text
    assert 'type="datetime-local"' in before
    status, _ = send(browser, f"{PAGE}{made}/note", said="It rests", happened_at=f"{at:%Y-%m-%dT%H:%M}")
    assert status == 303
    for wrong in ("", "yesterday", "0001-01-01T00:00", "9999-12-31T23:59", "2026-02-30T10:00"):
        status, _ = send(browser, f"{PAGE}{made}/note", said="It rests", happened_at=wrong)
        assert status == 422


def test_saving_facts_without_a_change_keeps_the_very_moment(browser: FlaskClient, opens: Opens) -> None:
    made = opens()
    before = row_of(made).noticed_at
    page = browser.get(f"{PAGE}{made}/facts").text
    shown = page.split('name="noticed_at"')[1].split('value="')[1].split('"')[0]
    fields = {"seen": "0", "what": "A gnu read the mails", "kinds": "name", "encrypted": "no"}
    status, _ = send(
        browser, f"{PAGE}{made}/facts", **fields, role="processor", risk="high", noticed_at=shown
    )
    assert status == 303
    assert row_of(made).noticed_at == before


def test_facts_seen_before_another_change_are_not_saved(browser: FlaskClient, opens: Opens) -> None:
    made = opens()
    fields = {"what": "A gnu", "encrypted": "no", "role": "processor", "noticed_at": "2020-03-01T10:00"}
    assert send(browser, f"{PAGE}{made}/facts", **fields, seen="0", risk="high")[0] == 303
    for seen in ("0", "", "-1", "9" * 400, "x"):
        assert send(browser, f"{PAGE}{made}/facts", **fields, seen=seen, risk="risk")[0] == 422
    assert row_of(made).risk == "high"


def test_only_rules_that_there_are_have_a_page(browser: FlaskClient, opens: Opens) -> None:
    made = opens()
    answer = browser.get(f"{PAGE}{made}/given")
    assert (answer.status_code, answer.location) == (303, f"{PAGE}{made}#clocks")
    assert browser.get(f"{PAGE}{made}/given?rule=gnu").status_code == 404


def test_a_closed_incident_offers_nothing(browser: FlaskClient, world: World, opens: Opens) -> None:
    made = opens()
    services.close_incident(
        principal=world.sign_in("founder"), incident=made, reason="It was none", although_open=True
    )
    text = browser.get(f"{PAGE}{made}").text
    assert "It was none" in text
    assert f"{made}/note" not in text
    assert send(browser, f"{PAGE}{made}/decide", said="We do", reason="So")[0] == 422


def test_a_drill_says_that_it_is_one(browser: FlaskClient, opens: Opens) -> None:
    assert "DRILL: nothing of it is real" in browser.get(f"{PAGE}{opens(is_drill=True)}").text


def test_the_tile_counts_open_ones_and_names_the_next_deadline(world: World, opens: Opens) -> None:
    (tile,) = TILES
    founder = world.sign_in("founder")
    with transaction(founder) as tx:
        assert tile.load(tx) is None
    made = opens(timedelta(days=40))
    with transaction(founder) as tx:
        assert tile.load(tx) == Number(1, "no deadline runs", "warn")
    schools.concern(principal=founder, incident=made, place=world.home.public_id)
    with transaction(founder) as tx:
        shown = tile.load(tx)
    assert isinstance(shown, Number)
    assert shown.value == 1


def test_the_tile_speaks_of_a_drill_while_nothing_is_real(world: World, opens: Opens) -> None:
    (tile,), founder = TILES, world.sign_in("founder")
    played = opens(is_drill=True)
    schools.concern(principal=founder, incident=played, place=world.home.public_id)
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).values(place="US-NY", time_zone="America/New_York"))
    with transaction(founder) as tx:
        shown = tile.load(tx)
    assert isinstance(shown, Number)
    assert shown.note.startswith("in a drill: next deadline ")
    opens(timedelta(days=40))
    with transaction(founder) as tx:
        assert tile.load(tx) == Number(1, "no deadline runs", "warn")


def test_a_misused_account_finds_schools(browser: FlaskClient, world: World, opens: Opens) -> None:
    made = opens()
    address = f"{PAGE}{made}/scope?kind=account"
    times = {"since": "2020-03-01T10:00", "until": "2020-03-02T10:00"}
    code, back = send(browser, address, account=world.people["teacher"].email, **times)
    assert code in {302, 303}
    for page in (back, f"{PAGE}{made}"):
        assert world.people["teacher"].name not in browser.get(page).text
    assert world.home.name in browser.get(f"{PAGE}{made}").text


def test_each_kind_of_source_has_a_form_and_is_withdrawn(
    browser: FlaskClient, world: World, opens: Opens
) -> None:
    page = f"{PAGE}{opens()}/scope"
    text = browser.get(page).text
    for kind in SourceKind:
        assert f"scope?kind={kind}" in text
        assert browser.get(f"{page}?kind={kind}").status_code == 200
    assert f"{page}/withdraw" not in text
    unknown = {"since": "2020-03-01T10:00", "until": "2020-03-01T11:00"}
    for name, field in (("session", "session"), ("export", "export"), ("place", "classroom")):
        code, _ = send(browser, f"{page}?kind={name}", **{field: "0123456789abcdef", **unknown})
        assert code == 422
    times = {"since": "2020-03-01T10:00", "until": f"{clock.now() - timedelta(minutes=2):%Y-%m-%dT%H:%M}"}
    place = {"place": world.home.public_id, **times}
    assert send(browser, f"{page}?kind=place", **place)[0] == 303
    assert world.home.name in browser.get(page).text
    form = browser.get(f"{page}/withdraw").text
    source = re.findall(r'<option value="(\w{16})"', form)[0]
    assert send(browser, f"{page}/withdraw", source=source, reason="It was another school")[0] == 303
    assert "It was another school" in browser.get(page).text
    assert send(browser, page)[0] == 303
    assert browser.get(f"{page}?kind=walrus").status_code == 404
