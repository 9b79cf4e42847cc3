"""What was reported, in the console, for founders."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select, update

from backoffice.access.transaction import transaction
from backoffice.reports.models import Report
from tests.factories.visitor import send, signed_in
from tests.factories.world import REPORTED, SYSTEM, World

PAGE = "/console/reports/"
HOSTILE = b"From: <script>alert(1)</script> <x@fake.example>\r\nSubject: Hi\r\n\r\n<img src=//fake.example>"


@pytest.fixture
def report(world: World) -> Iterator[Report]:
    """The world's one, open again afterwards."""
    del world
    with transaction(SYSTEM) as tx:
        row = tx.scalars(select(Report)).one()
    yield row
    as_before = {"closed_at": None, "closed_by": None, "finding": None, "note": None, "mail": b"From: x\n\n"}
    with transaction(SYSTEM) as tx:
        tx.execute(update(Report).where(Report.id == row.id).values(**as_before))


def test_founders_read_what_was_reported_and_not_by_whom(app: Flask, world: World, report: Report) -> None:
    browser, parent = signed_in(app, world, "founder"), world.people["foreign_parent"]
    assert "A message or page that looks fake" in browser.get(PAGE).text
    text = browser.get(f"{PAGE}{report.public_id}").text
    assert REPORTED in text
    assert "walrus@sea.example" in text
    assert "Somebody who was signed in" in text
    assert parent.name not in text
    assert parent.email not in text


def test_a_mail_is_shown_as_text_and_saved_as_a_file(app: Flask, world: World, report: Report) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(Report).where(Report.id == report.id).values(mail=HOSTILE))
    browser = signed_in(app, world, "founder")
    text = browser.get(f"{PAGE}{report.public_id}").text
    assert "<script>alert" not in text
    assert "<img src=//" not in text
    assert "&lt;img src=//fake.example&gt;" in text
    saved = browser.get(f"{PAGE}{report.public_id}/mail")
    assert (saved.data, saved.mimetype) == (HOSTILE, "application/octet-stream")
    assert saved.headers["Content-Disposition"].startswith("attachment")
    assert saved.headers["X-Content-Type-Options"] == "nosniff"


def test_one_is_closed_with_what_it_was(app: Flask, world: World, report: Report) -> None:
    browser, page = signed_in(app, world, "founder"), f"{PAGE}{report.public_id}"
    assert send(browser, f"{page}/close", {"finding": "fake", "note": ""}).status_code == 422
    assert send(browser, f"{page}/close", {"finding": "spam", "note": "A newsletter"}).location == PAGE
    text = browser.get(page).text
    assert ("A newsletter" in text, f"{page}/close" in text, f"{page}/mail" in text) == (True, False, False)
    assert browser.get(f"{page}/mail").status_code == 404
    again = send(browser, f"{page}/close", {"finding": "fake", "note": "Once more"})
    assert (again.status_code, "closed by somebody else" in again.text) == (422, True)


@pytest.mark.parametrize(("state", "shown"), [("open", True), ("closed", False)])
def test_the_list_narrows_by_state(app: Flask, world: World, report: Report, state: str, shown: bool) -> None:
    page = signed_in(app, world, "founder").get(PAGE, query_string={"state": state})
    assert (page.status_code, report.public_id in page.text) == (200, shown)


@pytest.mark.parametrize("role", ["leader", "officer", "teacher", "foreign_parent"])
def test_nobody_else_does(app: Flask, world: World, report: Report, role: str) -> None:
    browser = signed_in(app, world, role)
    for rest in ("", report.public_id, f"{report.public_id}/mail", f"{report.public_id}/close"):
        assert browser.get(f"{PAGE}{rest}").status_code == 404, rest
