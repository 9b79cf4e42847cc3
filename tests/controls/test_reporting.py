"""The control of reporting something suspicious, each of its parts really broken."""

from collections.abc import Callable

import pytest
from flask import Flask

from backoffice.app import build
from backoffice.controls.check import Finding, State
from backoffice.runtime import Runtime
from backoffice.settings import Settings
from tests.controls.conftest import Broken, Look

Owner = Callable[[str], None]
LATE = (
    "update app.worry set told_at = told_at {} interval '73 hours' where id = (select min(id) from app.worry)"
)
LATE_TO_US = "update app.report set reported_at = reported_at {} interval '73 hours'"
COLUMNS = "(school_id, id, public_id, classroom_id, student_id, kind, goes_to, note, form, told_at)"


@pytest.fixture
def settings(runtime: Runtime) -> Settings:
    return runtime.settings.model_copy(update={"mail_from": "Help <help@company.example>"})


@pytest.fixture
def told(runtime: Runtime, settings: Settings) -> Flask:
    """The application that knows where reports go."""
    return build(Runtime(settings, runtime.database, runtime.plugins))


@pytest.fixture
def found(look: Look, settings: Settings, told: Flask) -> Callable[[], Finding]:
    return lambda: look("report-suspicious", settings=settings, app=told)


def test_it_says_how_old_open_reports_are_and_leaves_none(found: Callable[[], Finding]) -> None:
    first, again = found(), found()
    assert (first.state, first.evidence) == (State.HOLDS, again.evidence)
    assert "5 open reports, 1 of them to us: 5 of the last day, 0 older, 0 over 3 days" in first.evidence


@pytest.mark.parametrize("late", [LATE, LATE_TO_US])
def test_a_report_that_nobody_closes_falls_short(
    found: Callable[[], Finding], owner: Owner, late: str
) -> None:
    owner(late.format("-"))
    finding = found()
    owner(late.format("+"))
    assert finding.evidence.startswith("1 report open for too long")


def test_without_an_address_the_page_reports_to_nobody(look: Look, runtime: Runtime) -> None:
    nobody = runtime.settings.model_copy(update={"alert_mail": None})
    assert look("report-suspicious", settings=nobody).state is State.FALLS_SHORT


def test_a_childs_page_that_fails_falls_short(
    found: Callable[[], Finding], told: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(told.view_functions, "students.tell", lambda: ("", 500))
    assert found().evidence == "/student/tell answers 500."


def test_a_database_that_takes_nothing_falls_short(found: Callable[[], Finding], broken: Broken) -> None:
    with broken(
        f"revoke insert {COLUMNS} on app.worry from backoffice_app",
        f"grant insert {COLUMNS} on app.worry to backoffice_app",
    ):
        assert found().evidence == "The database takes nothing that a child tells."


def test_a_database_that_takes_no_report_falls_short(found: Callable[[], Finding], broken: Broken) -> None:
    with broken(
        "revoke insert on app.report from backoffice_app",
        "grant insert on app.report to backoffice_app",
    ):
        assert found().evidence == "The database takes nothing that anybody reports."
