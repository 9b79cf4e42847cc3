"""The page of a contract: what its leaders read there, and how a founder ends it and takes that back."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.schools.ending_models import ContractEnd
from tests.factories.visitor import send, signed_in
from tests.factories.world import SYSTEM, World

NOT_FOUND = 404


def _ends(world: World) -> list[ContractEnd]:
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(ContractEnd).where(ContractEnd.school_id == world.elsewhere.id)))


def test_leaders_read_when_it_goes_and_where_to_export(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "leader")
    page = browser.get(f"/console/schools/{world.home.public_id}/contract").text
    for said in ("The contract ends", "Everything is erased", 'href="/console/students/"'):
        assert said in page
    assert "contract/end" not in page
    assert "contract/continue" not in page
    listed = browser.get("/console/schools/").text
    assert f"/console/schools/{world.home.public_id}/contract" in listed
    assert "Contracts that end" in browser.get("/console/").text


@pytest.mark.parametrize("role", ["leader", "officer", "teacher"])
def test_nobody_but_founders_comes_to_the_form(app: Flask, world: World, role: str) -> None:
    browser = signed_in(app, world, role)
    assert browser.get(f"/console/schools/{world.home.public_id}/contract/end").status_code == NOT_FOUND


def test_a_founder_ends_it_and_takes_it_back(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "founder")
    below = f"/console/schools/{world.elsewhere.public_id}/contract"
    page = browser.get(below).text
    assert "No end is noted" in page
    assert "have 60 days to take out" in page
    assert "told now, and before it: 30 days · 7 days." in browser.get(f"{below}/end").text
    assert "Choose a day." in send(browser, f"{below}/end", {"last_day": ""}).text
    day = clock.now() + timedelta(days=20)
    send(browser, f"{below}/end", {"last_day": f"{day:%Y-%m-%d}"})
    assert len(_ends(world)) == 1
    page = browser.get(below).text
    assert "The contract goes on" in page
    # Lists of children are the leaders' to take out.
    assert "/console/students/" not in page.partition("<main")[2]
    send(browser, f"{below}/continue", {"of": "district"}, page=below)
    assert len(_ends(world)) == 1
    send(browser, f"{below}/continue", {"of": "school"}, page=below)
    assert _ends(world) == []


def test_what_goes_on_is_what_was_shown_and_what_still_ends_is_said(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "founder")
    below = f"/console/schools/{world.elsewhere.public_id}/contract"
    whose = {"whole": "y"}
    for days, fields in ((20, {}), (40, whose)):
        day = clock.now() + timedelta(days=days)
        send(browser, f"{below}/end", {"last_day": f"{day:%Y-%m-%d}", **fields})
    assert 'name="of" type="hidden" value="school"' in browser.get(below).text
    send(browser, f"{below}/continue", {"of": "school"}, page=below)
    assert "that of its district still ends" in browser.get(below).text
    # The page shows that of the district, and another day is for all of it.
    assert 'name="of" type="hidden" value="district"' in browser.get(below).text
    assert re.search(r'<input[^>]* checked[^>]* name="whole"', browser.get(f"{below}/end").text)
    send(browser, f"{below}/continue", {"of": "school"}, page=below)
    assert "This contract does not end." in browser.get(below).text
    send(browser, f"{below}/continue", {"of": "district"}, page=below)
    assert "Nothing is erased." in browser.get(below).text
