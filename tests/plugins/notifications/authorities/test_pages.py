"""The pages of forms to authorities: from the clock to the paper, and that it was handed in."""

import re

from flask import Flask
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.transaction import transaction
from plugins.notifications.models import ConcernedSchool, GivenNotice, Incident
from plugins.notifications.notices.models import Audience
from tests.contract.pages import form_token
from tests.factories.paper import text_of
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.authorities.test_services import (
    CALIFORNIA,
    DELAY,
    GDPR,
    SAID,
    STATE,
    approve,
    at_home,
    write,
)
from tests.plugins.notifications.notices.conftest import HEADING, Founders, let_out
from tests.plugins.notifications.notices.test_pages import HERE, signed_in, step


def test_from_the_clock_to_the_authority(app: Flask, world: World, founders: Founders) -> None:
    one, other = signed_in(app, world, "founder"), signed_in(app, world, "outsider")
    incident = at_home(world, founders[0])
    address = f"{HERE}{incident}/notices/new?audience=authority&amp;rule={GDPR}"
    assert address in one.get(f"{HERE}{incident}").text
    listed = one.get(f"{HERE}{incident}/notices").text
    assert address in listed
    assert "audience=authority&#34;" not in listed
    page = one.get(address.replace("&amp;", "&")).text
    # What is known stands there already, and what the law asks.
    assert "Lists could be read" in page
    assert "likely consequences; measures taken or proposed" in page
    form = re.search(r'name="form"[^>]*value="([^"]+)"', page)
    assert form is not None
    sent = {f"en_{name}": text for name, text in SAID.items()}
    made = one.post(
        address.replace("&amp;", "&"), data={"csrf_token": form_token(page), "form": form[1], **sent}
    )
    assert made.status_code == 303
    notice = made.location.rpartition("/")[2]
    draft = one.get(made.location).text
    assert "6: 2 students, 3 staff, 1 parent" in draft
    assert SAID["measures"] in draft
    assert "As a letter" not in draft
    early = text_of(one.get(f"{made.location}/paper").data)
    assert "Nobody has approved this yet" in early
    assert "It is proposed" in step(one, notice, "propose")
    assert "Approve it: then it is handed in" in other.get(made.location).text
    assert "It is approved. Now hand it in." in step(other, notice, "approve")
    printed = one.get(f"{made.location}/paper")
    assert (printed.status_code, printed.mimetype) == (200, "application/pdf")
    said = text_of(printed.data)
    assert "Nobody has approved this yet" not in said
    assert "DRILL" not in said
    for text in (*SAID.values(), "6: 2 students, 3 staff, 1 parent", "Art. 33(1)", incident):
        assert text in said
    asked = one.get(f"{made.location}/handed-in").text
    at = re.search(r'name="at"[^>]*value="([^"]+)"', asked)
    assert at is not None
    done = one.post(
        f"{made.location}/handed-in",
        data={"csrf_token": form_token(asked), "at": at[1]},
        follow_redirects=True,
    ).text
    assert "It stands in the timeline that the form was handed in." in done
    assert "/handed-in" not in done
    assert one.get(f"{made.location}/handed-in").status_code == 303


def test_it_is_printed_in_the_language_it_is_written_in(app: Flask, world: World, founders: Founders) -> None:
    one = signed_in(app, world, "founder")
    notice = write(founders[0], at_home(world, founders[0]))
    assert "What may follow for people" in text_of(one.get(f"{HERE}notices/{notice}/paper?language=es").data)


def test_a_drill_is_one_on_each_sheet(app: Flask, world: World, founders: Founders) -> None:
    one = signed_in(app, world, "founder")
    notice = approve(founders, at_home(world, founders[0], is_drill=True))
    said = text_of(one.get(f"{HERE}notices/{notice}/paper").data)
    assert "DRILL" in said
    assert "This is a drill. Nothing of it is real." in said


def test_a_state_gets_samples_of_what_people_were_told(app: Flask, world: World, founders: Founders) -> None:
    one = signed_in(app, world, "founder")
    incident = at_home(world, founders[0], place="US-CA")
    with transaction(SYSTEM) as tx:
        of_it = select(Incident.id).where(Incident.public_id == incident).scalar_subquery()
        tx.execute(update(ConcernedSchool).where(ConcernedSchool.incident_id == of_it).values(students=900))
        # Its clock begins once people were told.
        tx.execute(
            update(ConcernedSchool)
            .where(ConcernedSchool.incident_id == of_it)
            .values(individuals_told_at=clock.now())
        )
    let_out(founders, incident, Audience.PARENTS)
    notice = approve(founders, incident, CALIFORNIA)
    said = text_of(one.get(f"{HERE}notices/{notice}/paper").data)
    assert "Sample of the notice to people" in said
    assert HEADING in said
    assert STATE["offered"] in said


def test_a_form_has_no_mail_and_no_letter(app: Flask, world: World, founders: Founders) -> None:
    one = signed_in(app, world, "founder")
    notice = write(founders[0], at_home(world, founders[0]))
    for page in ("mail", "letter", "handed-in"):
        answer = one.get(f"{HERE}notices/{notice}/{page}")
        assert (answer.status_code, answer.location) == (303, f"{HERE}notices/{notice}")


def test_a_mailed_notice_is_no_form(app: Flask, world: World, founders: Founders, incident: str) -> None:
    one = signed_in(app, world, "founder")
    notice = let_out(founders, incident, Audience.STAFF)
    for page in ("paper", "handed-in"):
        assert one.get(f"{HERE}notices/{notice}/{page}").status_code == 303
    assert one.get(f"{HERE}{incident}/notices/new?audience=authority&rule={GDPR}").status_code == 404
    assert one.get(f"{HERE}{incident}/notices/new?audience=authority").status_code == 404


def test_why_it_was_late_stands_at_the_clock(app: Flask, world: World, founders: Founders) -> None:
    one = signed_in(app, world, "founder")
    incident = at_home(world, founders[0], ago=80)
    notice = approve(founders, incident, delay=DELAY)
    page = one.get(f"{HERE}notices/{notice}/handed-in").text
    at = re.search(r'name="at"[^>]*value="([^"]+)"', page)
    assert at is not None
    one.post(f"{HERE}notices/{notice}/handed-in", data={"csrf_token": form_token(page), "at": at[1]})
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(GivenNotice.late_reason)).all() == [DELAY]
    shown = one.get(f"{HERE}{incident}").text
    assert f"Why so late: {DELAY}" in shown


def test_a_form_is_given_up(app: Flask, world: World, founders: Founders) -> None:
    one = signed_in(app, world, "founder")
    notice = approve(founders, at_home(world, founders[0]))
    assert 'value="pause"' not in one.get(f"{HERE}notices/{notice}").text
    assert "The form is given up." in step(one, notice, "give-up", reason="They want their own form alone")


def test_what_is_late_is_not_proposed_without_a_reason(app: Flask, world: World, founders: Founders) -> None:
    one = signed_in(app, world, "founder")
    notice = write(founders[0], at_home(world, founders[0], ago=80))
    assert "Say in the form why it comes late" in step(one, notice, "propose")
