"""Importing into the list of students: what is asked, what is shown, and what is done."""

import csv
import io
import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.imports.carrying import TOO_LATE
from backoffice.outbox.models import OutgoingMail
from backoffice.schools.models import Enrollment, Student, TeachingRole
from tests.factories.visitor import form_token, signed_in
from tests.factories.world import SYSTEM, World

PAGE = "/console/students/import"


@pytest.fixture
def teacher(app: Flask, world: World) -> FlaskClient:
    return signed_in(app, world, "teacher")


def brought(client: FlaskClient, content: bytes | str, **fields: str) -> TestResponse:
    """Bring a list, as a file."""
    data = content.encode() if isinstance(content, str) else content
    token = form_token(client.get(PAGE).text)
    sent = {"csrf_token": token, "file": (io.BytesIO(data), "Ada.csv"), **fields}
    return client.post(PAGE, data=sent, content_type="multipart/form-data")


def fields_of(page: str) -> dict[str, str]:
    """What the form of the preview sends."""
    found = dict(re.findall(r'<input[^>]*type="hidden" name="([^"]+)" value="([^"]*)"', page))
    found |= dict(re.findall(r'<input[^>]*name="(csrf_token)"[^>]*value="([^"]*)"', page))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen.group(1) if chosen else ""
    if re.search(r'name="heads" value="yes" checked', page):
        found["heads"] = "yes"
    return found


def counts(page: str) -> list[int]:
    """New, changed, the same, to look at."""
    chips = re.search(r'<p class="chips import-counts">(.*?)</p>', page, re.DOTALL)
    assert chips, page
    return [int(number) for number in re.findall(r">([\d,]+) ", chips.group(1))]


def confirmed(client: FlaskClient, page: str, **more: str) -> TestResponse:
    """Confirm what the page shows."""
    return client.post(f"{PAGE}/confirm", data={**fields_of(page), **more})


def names_in(world: World) -> list[str]:
    with transaction(SYSTEM) as tx:
        here = select(Enrollment.student_id).where(
            Enrollment.classroom_id == world.own_class.id, Enrollment.ended_at.is_(None)
        )
        rows = tx.scalars(select(Student).where(Student.id.in_(here)))
        return sorted(f"{row.given_name} {row.family_name or ''}".strip() for row in rows)


def trail() -> list[str]:
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(AuditEntry.verb).order_by(AuditEntry.id)))


def test_a_list_is_looked_at_and_then_brought_in(teacher: FlaskClient, world: World) -> None:
    first, second = world.own_class.children
    room = world.own_class.name
    with transaction(SYSTEM) as tx:
        mails = tx.scalar(select(func.count()).select_from(OutgoingMail))
    text = (
        "ID;Vorname;Nachname;Klasse;Geburtstag\n"
        f"{first.public_id};Wilma;Quartermaine;{room};1.1.2016\n"
        f";{second.given.upper()};{second.family};{room};\n"
        f";Zoë;Zimmer;{room};2.2.2016\n"
        f";Nobody;Known;No such class;\n"
        f"{world.foreign_class.children[0].public_id};Seraphina;Ravenscroft;{room};\n"
    )
    page = unescape(brought(teacher, text.encode("cp1252")).text)
    assert counts(page) == [1, 1, 1, 2]
    assert re.search(r"<del><bdi>Wilhelmina</bdi></del>.*<ins><bdi>Wilma</bdi></ins>", page)
    assert "There is no such class here." in page
    assert "There is no student of this ID here." in page
    assert "Ravenscroft" in page
    assert "Import 1 new, change 1" in page
    assert "Zoë Zimmer" not in names_in(world)
    before = trail()
    done = confirmed(teacher, page)
    assert (done.status_code, done.location) == (303, "/console/students/")
    assert names_in(world) == [f"{second.given} {second.family}", "Wilma Quartermaine", "Zoë Zimmer"]
    assert trail()[len(before) :] == ["students.import"]
    # Confirmed twice: nothing is left to do, and nobody stands there twice.
    again = confirmed(teacher, page)
    assert again.status_code == 409
    assert "nothing was changed" in again.text
    assert len(names_in(world)) == 3
    # It can be undone where it was done.
    undo = f"/console/classrooms/{world.own_class.public_id}"
    token = form_token(teacher.get(undo).text)
    teacher.post(f"{undo}/undo-last", data={"csrf_token": token})
    assert names_in(world) == ["Bartholomew Zephyrine", "Wilhelmina Quartermaine"]
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count()).select_from(OutgoingMail)) == mails
