"""The page of founders, and the commands: who sees what, and what is never said outside."""

import json
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import update

from backoffice.access.transaction import transaction
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds.models import HoldState, LegalHold
from tests.contract.pages import form_token
from tests.factories.commands import Run
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, World
from tests.privacy.holds.conftest import REASON, Founders, Hold, in_days, propose, row_of

PAGE = "/console/holds/"


@pytest.mark.parametrize("role", ["leader", "officer", "teacher", "parent"])
def test_nobody_else_sees_it(app: Flask, world: World, role: str) -> None:
    client = signed_in(app, world, role)
    for path in (PAGE, f"{PAGE}propose"):
        assert client.get(path).status_code == 404


def test_a_founder_proposes_and_the_other_one_confirms(app: Flask, world: World, founders: Founders) -> None:
    del founders
    first, second = signed_in(app, world, "founder"), signed_in(app, world, "outsider")
    page = first.get(f"{PAGE}propose").text
    data = {
        "csrf_token": form_token(page),
        "subject": "classroom",
        "public_id": f" {world.own_class.public_id} ",
        "reason": REASON,
        "review_on": "no day",
    }
    answer = first.post(f"{PAGE}propose", data=data)
    assert (answer.status_code, "within twelve months" in answer.text) == (422, True)
    data["review_on"] = in_days(30).isoformat()
    answer = first.post(f"{PAGE}propose", data=data, follow_redirects=True)
    assert "Another founder has to confirm it within 72 hours." in answer.text
    assert "Confirm it" not in answer.text
    page = second.get(PAGE).text
    for said in (world.own_class.public_id, REASON, "by another founder", "Confirm it"):
        assert said in page
    # The name of the class is not for founders.
    assert world.own_class.name not in page
    number = page.split('name="hold" value="')[1][:16]
    step = {"csrf_token": form_token(page), "hold": number}
    answer = second.post(f"{PAGE}step", data={**step, "step": "confirm"}, follow_redirects=True)
    assert "The hold is in force." in answer.text
    assert row_of(number).state == HoldState.IN_FORCE
    answer = second.post(f"{PAGE}step", data={**step, "step": "ask-for-release"}, follow_redirects=True)
    assert "Release it" not in answer.text
    answer = second.post(f"{PAGE}step", data={**step, "step": "release"}, follow_redirects=True)
    assert "it takes two people" in answer.text
    review = {**step, "review_on": in_days(200).isoformat()}
    assert "The hold goes on." in second.post(f"{PAGE}review", data=review, follow_redirects=True).text
    assert row_of(number).release_by is None
    second.post(f"{PAGE}step", data={**step, "step": "ask-for-release"})
    page = first.get(PAGE).text
    assert "Release it" in page
    step = {"csrf_token": form_token(page), "hold": number, "step": "release"}
    assert "The hold is released." in first.post(f"{PAGE}step", data=step, follow_redirects=True).text
    assert row_of(number).state == HoldState.RELEASED


@pytest.mark.parametrize(
    ("state", "days", "overdue"),
    [(HoldState.IN_FORCE, 0, False), (HoldState.IN_FORCE, -1, True), (HoldState.PROPOSED, -1, False)],
)
def test_what_is_overdue_is_shown(
    app: Flask, run: Run, tmp_path: Path, world: World, held: Hold, state: HoldState, days: int, overdue: bool
) -> None:
    number = held(Subject.STUDENT, world.own_class.children[0].public_id)
    with transaction(SYSTEM) as tx:
        mine = update(LegalHold).where(LegalHold.public_id == number)
        tx.execute(mine.values(state=state, review_on=in_days(days)))
    answer = run("privacy", "holds", "--json", BACKOFFICE_DATA_DIR=str(tmp_path))
    assert [each["overdue"] for each in json.loads(answer.out)["holds"]] == [overdue]
    page = signed_in(app, world, "founder").get(PAGE).text
    assert ("looked at again by now" in page) is overdue


def test_commands_say_that_something_waits_and_no_reason(
    run: Run, tmp_path: Path, world: World, founders: Founders
) -> None:
    here = partial(run, BACKOFFICE_DATA_DIR=str(tmp_path))
    child = world.own_class.children[0].public_id
    propose(founders[0], Subject.STUDENT, child)
    answer = here("privacy", "holds")
    assert answer.code == 0
    assert f"student   {child}  proposed, to be reviewed {in_days(90)}" in answer.out
    listed = json.loads(here("privacy", "holds", "--json").out)["holds"]
    assert [(each["subject"], each["held"], each["overdue"]) for each in listed] == [
        ("student", child, False)
    ]
    answer = here("erase", "classroom", world.own_class.public_id, "--dry-run")
    assert "it would wait, and go when the hold ends" in answer.out
    answer = here("erase", "classroom", world.own_class.public_id)
    assert (answer.code, "erased by itself when the hold ends" in answer.err) == (1, True)
    for each in (answer.out, answer.err, json.dumps(listed)):
        assert "court" not in each
