"""Running the checks, how promises stand, and who may see it."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access import probe
from backoffice.access.principal import Nobody, Purpose
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.controls import core, registry
from backoffice.controls.check import Check, Finding, Looking, State, falls_short, holds
from backoffice.controls.registry import RegistryError
from backoffice.host.services import switch_plugin
from backoffice.plugin import Plugin
from backoffice.runtime import Runtime
from backoffice.schools.models import School, Student
from backoffice.settings import Throttles
from plugins.trust import queries, services
from plugins.trust.commands import trust
from plugins.trust.models import ControlResult
from plugins.trust.queries import Standing
from tests.factories.world import World

SYSTEM = Purpose("test")
Answer = Callable[..., None]
# The world's one identity provider is not in use, nobody in it came from anywhere or took anything along, no
# backup was restored.
UNEXERCISED = {
    (each, State.NOT_EXERCISED)
    for each in (
        *("breach-email", "export-and-deletion", "google-sign-in", "immediate-deletion", "log-retention"),
        "pin-override",
    )
}


@pytest.fixture(autouse=True)
def no_answers(runtime: Runtime) -> Iterator[None]:
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(delete(ControlResult))


@pytest.fixture(autouse=True)
def throttles_as_shipped(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests run without limits, which is no healthy world: a PIN could be tried for ever."""
    monkeypatch.setitem(runtime.settings.__dict__, "throttles", Throttles())


@pytest.fixture(autouse=True)
def schools_with_contacts(world: World) -> Iterator[None]:
    """Whom to write to when something goes wrong. Tests of notices need schools without."""
    del world
    _give_contacts("security@school.example")
    yield
    _give_contacts(None)


def _give_contacts(contact: str | None) -> None:
    with transaction(SYSTEM) as tx:
        for school in tx.scalars(select(School)):
            school.security_contact = contact


@pytest.fixture
def answer() -> Answer:
    """Stores an answer as if a check had just given it."""

    def store(control: str, state: State, *, ago: timedelta = timedelta()) -> None:
        with transaction(SYSTEM) as tx:
            tx.execute(
                insert(ControlResult).values(
                    control_id=control,
                    state=state,
                    evidence=f"{state}!",
                    checked_at=clock.now() - ago,
                    duration=1,
                )
            )

    return store


@pytest.fixture
def checked_by(app: Flask, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replaces the checks of the core."""

    def replace(**looks: Callable[[Looking], Finding]) -> None:
        checks = tuple(Check(control.replace("_", "-"), look) for control, look in looks.items())
        monkeypatch.setattr(core, "CHECKS", checks)

    return replace


def standings() -> dict[str, Standing]:
    built = {check.control for check in core.CHECKS}
    with transaction(Nobody()) as tx:
        found = queries.standings(tx, controls=registry.current().controls, built=built, now=clock.now())
    return {each.id: each for each in found}


# -- running


def test_every_check_answers_once_and_all_hold_on_a_healthy_world(app: Flask, world: World) -> None:
    services.run_checks(app=app)
    with transaction(SYSTEM) as tx:
        rows = tx.scalars(select(ControlResult)).all()
    built = [check.control for check in services.checks_of(app.extensions["backoffice"].plugins)]
    assert sorted(row.control_id for row in rows) == sorted(built)
    assert {(row.control_id, row.state) for row in rows if row.state != State.HOLDS} == UNEXERCISED
    assert all(row.evidence and "\n" not in row.evidence for row in rows)


def test_no_evidence_names_anybody(app: Flask, world: World) -> None:
    services.run_checks(app=app)
    with transaction(SYSTEM) as tx:
        evidence = " ".join(tx.scalars(select(ControlResult.evidence)))
    classes = (world.own_class, world.colleague_class, world.elsewhere_class, world.foreign_class)
    for each in classes:
        assert each.name not in evidence
        assert each.code not in evidence
        assert not any(name in evidence for child in each.children for name in (child.given, child.public_id))


def test_a_check_that_fails_is_stale_and_stops_no_other(
    app: Flask, checked_by: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_look: Looking) -> Finding:
        raise ValueError("Ada Lovelace")

    checked_by(tls=broken, backups=lambda _look: holds("1 backup."))
    services.run_checks(app=app)
    found = standings()
    assert (found["tls"].state, found["tls"].evidence) == (State.STALE, "The check itself failed.")
    assert found["backups"].state is State.HOLDS
    logged = "".join(capsys.readouterr())
    assert "ValueError" in logged
    assert "Ada" not in logged


def test_a_check_that_breaks_its_transaction_stops_no_other(
    app: Flask, checked_by: Callable[..., None]
) -> None:
    def erring(look: Looking) -> Finding:
        look.tx.execute(text("select 1 / 0"))
        raise AssertionError

    checked_by(tls=erring, backups=lambda look: holds(str(look.tx.scalar(select(func.count(Student.id))))))
    services.run_checks(app=app)
    assert standings()["backups"].state is State.HOLDS


def test_a_check_can_change_nothing(app: Flask, checked_by: Callable[..., None], world: World) -> None:
    def writing(look: Looking) -> Finding:
        look.tx.execute(delete(Student))
        return holds("Gone.")

    checked_by(tls=writing)
    services.run_checks(app=app)
    assert standings()["tls"].state is State.STALE
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count(Student.id))) == 8


def test_a_run_leaves_its_mark_in_the_trail(app: Flask, checked_by: Callable[..., None]) -> None:
    checked_by(tls=lambda _look: holds("."))
    services.run_checks(app=app)
    with transaction(SYSTEM) as tx:
        verbs = tx.scalars(select(AuditEntry.verb).order_by(AuditEntry.id.desc()).limit(1)).all()
    assert verbs == ["trust.check"]


def test_a_check_without_a_promise_runs_nothing(app: Flask, checked_by: Callable[..., None]) -> None:
    checked_by(tls=lambda _look: holds("."), no_such_promise=lambda _look: holds("."))
    with pytest.raises(RegistryError, match="no-such-promise"):
        services.run_checks(app=app)
    assert standings()["tls"].checked_at is None


def test_a_plugins_checks_count_too(app: Flask, runtime: Runtime, checked_by: Callable[..., None]) -> None:
    checked_by(tls=lambda _look: holds("."))
    more = Plugin(
        name="more",
        title="",
        summary="",
        tables=None,
        personal_data=(),
        retention=(),
        controls=(Check("backups", lambda _look: holds(".")),),
    )
    app.extensions["backoffice"] = dataclasses.replace(runtime, plugins=(more,))
    try:
        services.run_checks(app=app)
    finally:
        app.extensions["backoffice"] = runtime
    with transaction(SYSTEM) as tx:
        assert set(tx.scalars(select(ControlResult.control_id))) == {"tls", "backups"}


# -- standing


def test_the_newest_answer_counts(answer: Answer, checked_by: Callable[..., None]) -> None:
    checked_by(backups=lambda _look: holds("."))
    answer("backups", State.HOLDS)
    answer("backups", State.FALLS_SHORT, ago=timedelta(minutes=5))
    assert standings()["backups"].state is State.HOLDS
    answer("backups", State.FALLS_SHORT)
    assert standings()["backups"].evidence == "falls short!"


def test_an_answer_is_stale_after_twice_its_interval(answer: Answer, checked_by: Callable[..., None]) -> None:
    checked_by(backups=lambda _look: holds("."))
    assert registry.current().control("backups").every == timedelta(hours=1)
    answer("backups", State.HOLDS, ago=timedelta(hours=2, seconds=5))
    overdue = standings()["backups"]
    assert (overdue.state, overdue.fails) == (State.STALE, True)
    assert "holds" in (overdue.evidence or "")
    answer("backups", State.HOLDS, ago=timedelta(hours=1, minutes=59))
    assert standings()["backups"].state is State.HOLDS


def test_no_answer_yet_is_stale_and_no_check_is_not_built(
    answer: Answer, checked_by: Callable[..., None]
) -> None:
    checked_by(backups=lambda _look: holds("."))
    answer("tls", State.HOLDS)
    found = standings()
    assert len(found) == 54
    assert found["backups"].state is State.STALE
    assert (found["tls"].state, found["tls"].fails) == (State.NOT_BUILT, False), "its check is gone"


# -- pages


@pytest.mark.parametrize("path", ["/trust", "/trust.json"])
def test_everybody_may_read_it_before_any_check_ran(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 200


def test_the_page_shows_every_promise_with_its_evidence(client: FlaskClient, answer: Answer) -> None:
    answer("student-jwt", State.FALLS_SHORT)
    page = client.get("/trust").get_data(as_text=True)
    for control in registry.current().controls:
        assert f'id="{control.id}"' in page
    assert "falls short!" in page
    assert page.index('id="student-jwt"') < page.index('id="code-sign-in"'), "what fails comes first"


def test_the_data_says_what_the_page_says(client: FlaskClient, answer: Answer) -> None:
    answer("student-jwt", State.HOLDS)
    data = client.get("/trust.json").get_json()
    by_id = {each["id"]: each for each in data["controls"]}
    assert [each["id"] for each in data["controls"]] == [c.id for c in registry.current().controls]
    assert sum(data["counts"].values()) == 54
    assert data["counts"]["holds"] == 1
    assert by_id["student-jwt"]["evidence"] == "holds!"
    assert by_id["student-jwt"]["every"] == 24 * 3600
    assert by_id["student-jwt"]["sentences"] == ["temporary-jwt"]
    assert datetime.fromisoformat(data["last_checked"]).tzinfo == UTC
    assert by_id["second-factor"]["sentences"] == []


def test_the_web_may_read_answers_and_not_write_them(runtime: Runtime) -> None:
    with probe.as_nobody() as connection:
        assert connection.scalar(select(func.count(ControlResult.id))) == 0
        assert probe.refused(
            connection,
            insert(ControlResult).values(
                control_id="tls", state="holds", evidence=".", checked_at=clock.now(), duration=0
            ),
        )
        assert probe.refused(connection, delete(ControlResult))


def test_the_database_takes_no_unknown_state(runtime: Runtime, answer: Answer) -> None:
    with pytest.raises(DBAPIError):
        answer("tls", State.NOT_BUILT)


# -- the command


def run(app: Flask, *words: str) -> Result:
    class Context:
        def app(self) -> Flask:
            return app

    return CliRunner().invoke(trust, ["check", *words], obj=Context())


def test_the_command_prints_every_promise_and_is_content(app: Flask, world: World) -> None:
    result = run(app)
    assert result.exit_code == 0, result.output
    for control in registry.current().controls:
        assert f"  {control.id} " in f"{result.output.replace(chr(10), ' ')} "
    built, without = len(services.checks_of(app.extensions["backoffice"].plugins)), len(UNEXERCISED)
    counts = f"holds {built - without}, not built {54 - built}, not exercised {without}"
    assert f"54 promises: {counts}." in result.output


def test_the_command_exits_1_if_a_promise_falls_short(app: Flask, checked_by: Callable[..., None]) -> None:
    checked_by(tls=lambda _look: falls_short("Open."), backups=lambda _look: holds("."))
    assert run(app).exit_code == 1


def test_the_command_exits_1_if_a_check_fails(app: Flask, checked_by: Callable[..., None]) -> None:
    def broken(_look: Looking) -> Finding:
        raise ValueError

    checked_by(tls=broken)
    assert run(app).exit_code == 1


def test_the_command_prints_data(app: Flask, checked_by: Callable[..., None]) -> None:
    checked_by(tls=lambda _look: falls_short("Open."))
    result = run(app, "--json")
    said = json.loads(result.stdout[result.stdout.index("{\n") :])
    assert result.exit_code == 1
    assert {"id": "tls", "state": "falls short", "evidence": "Open."} in said["controls"]


def test_what_is_switched_off_is_shown_to_everybody(app: Flask, world: World, runtime: Runtime) -> None:
    founder, browser = world.sign_in("founder"), app.test_client()
    reason = "Wilhelmina Quartermaine asked for it"

    def switch(enabled: bool) -> None:
        switch_plugin(
            principal=founder, installed=runtime.plugins, name="trust", enabled=enabled, reason=reason
        )

    words = "Parts on which promises stand are switched off"
    assert words not in browser.get("/trust").text
    switch(enabled=False)
    try:
        page, data = browser.get("/trust"), browser.get("/trust.json")
        assert (page.status_code, words in page.text) == (200, True)
        assert [off["part"] for off in data.get_json()["switched_off"]] == ["Trust"]
        assert not [body for body in (page.text, data.text) if "Wilhelmina" in body]
    finally:
        switch(enabled=True)
    assert browser.get("/trust.json").get_json()["switched_off"] == []
