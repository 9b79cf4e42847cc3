"""The page where anybody reports something, and its form."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from sqlalchemy.orm import undefer

from backoffice.access.transaction import transaction
from backoffice.app import build
from backoffice.reports.models import Report
from backoffice.reports.services import LARGEST_MAIL
from backoffice.runtime import Runtime
from backoffice.settings import Throttles
from tests.factories.visitor import field_value, form_token, signed_in
from tests.factories.world import SYSTEM, World

FIELDS = {"kind": "seen", "said": "A gnu could see another class"}


def told(runtime: Runtime, network: str) -> Flask:
    """The application with so many reports for a network."""
    throttles = Throttles(report_network=network, report_overall="1000/hour")
    settings = runtime.settings.model_copy(update={"throttles": throttles})
    return build(Runtime(settings, runtime.database, runtime.plugins))


@pytest.fixture(scope="module")
def open_app(runtime: Runtime) -> Flask:
    """One in which nobody has to wait."""
    return told(runtime, "1000/hour")


@pytest.fixture
def browser(open_app: Flask, world: World) -> Iterator[FlaskClient]:
    del world
    yield open_app.test_client()
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Report).where(Report.kind == "seen"))


def filled(browser: FlaskClient, **fields: Any) -> dict[str, Any]:
    page = browser.get("/report").text
    return {"csrf_token": form_token(page), "form": field_value(page, "form"), **FIELDS, **fields}


def made() -> list[Report]:
    with transaction(SYSTEM) as tx:
        seen = select(Report).where(Report.kind == "seen").order_by(Report.id)
        return list(tx.scalars(seen.options(undefer("*"))))


def test_anybody_reports_and_gets_a_number(browser: FlaskClient) -> None:
    answer = browser.post("/report", data=filled(browser))
    assert (answer.status_code, answer.location) == (303, "/report/sent")
    (row,) = made()
    assert (row.said, row.account_id) == (FIELDS["said"], None)
    page = browser.get("/report/sent").text
    assert f"The number of your report is {row.public_id}." in page
    assert FIELDS["said"] not in page


def test_a_mail_comes_along_as_a_file(browser: FlaskClient) -> None:
    content = b"From: x@fake.example\r\n\r\nPay"
    answer = browser.post("/report", data=filled(browser, file=(io.BytesIO(content), "../../x.eml")))
    assert answer.status_code == 303
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(Report.mail).where(Report.kind == "seen")).one() == content


def test_twice_sent_is_one_report(browser: FlaskClient) -> None:
    fields = filled(browser)
    assert [browser.post("/report", data=fields).status_code for _ in range(2)] == [303, 303]
    assert len(made()) == 1


def test_whoever_is_signed_in_is_known(open_app: Flask, world: World, browser: FlaskClient) -> None:
    del browser
    teacher = signed_in(open_app, world, "teacher")
    assert teacher.post("/report", data=filled(teacher)).status_code == 303
    assert [row.account_id for row in made()] == [world.people["teacher"].id]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": ""}, "Choose what fits best."),
        ({"said": " "}, "Say what you saw."),
        ({"contact": "nobody"}, "Write a full e-mail address"),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_stays(
    browser: FlaskClient, fields: dict[str, str], said: str
) -> None:
    answer = browser.post("/report", data=filled(browser, **{"contact": "me@x.example", **fields}))
    assert (answer.status_code, made()) == (422, [])
    assert said in answer.text
    assert (FIELDS["said"] if "said" not in fields else "me@x.example") in answer.text


def body(fields: dict[str, Any], mail: bytes) -> dict[str, Any]:
    """A form with a file, as bytes: of one this large the client would keep its own file open."""
    parts = [f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
    head = '--b\r\nContent-Disposition: form-data; name="file"; filename="x.eml"\r\n\r\n'
    data = "".join([*parts, head]).encode() + mail + b"\r\n--b--\r\n"
    return {"data": data, "content_type": "multipart/form-data; boundary=b"}


def test_a_file_too_large_is_refused(browser: FlaskClient) -> None:
    answer = browser.post("/report", **body(filled(browser), b"x" * (LARGEST_MAIL + 1)))
    assert (answer.status_code, "larger than 1 MB" in answer.text) == (422, True)
    assert browser.post("/report", **body(filled(browser), b"x" * (10 << 20))).status_code == 413
    assert made() == []


def test_without_the_token_of_a_form_nothing_is_taken(browser: FlaskClient) -> None:
    browser.post("/report", data=FIELDS)
    assert made() == []


def test_who_reports_often_waits_and_loses_no_word(runtime: Runtime, browser: FlaskClient) -> None:
    del browser
    often = told(runtime, "1/hour").test_client()
    address = {"REMOTE_ADDR": "198.51.100.77"}
    assert often.post("/report", data=filled(often), environ_overrides=address).status_code == 303
    answer = often.post("/report", data=filled(often, said="A gnu once more"), environ_overrides=address)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "A gnu once more" in answer.text


def test_what_was_typed_is_no_markup(browser: FlaskClient) -> None:
    answer = browser.post("/report", data=filled(browser, kind="", said="<script>gnu</script>"))
    assert "<script>gnu" not in answer.text
    assert "&lt;script&gt;gnu" in answer.text
