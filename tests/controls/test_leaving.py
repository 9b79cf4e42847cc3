"""The promise about shared computers: it holds, and it falls short when leaving one is really broken."""

import pytest
from flask import Flask
from jinja2 import ChoiceLoader, DictLoader
from sqlalchemy import text

from backoffice.app import build
from backoffice.controls.check import State
from backoffice.runtime import Runtime
from backoffice.settings import Sessions
from backoffice.storage.roles import DatabaseRole
from backoffice.web import headers
from tests.controls.conftest import Broken, Look
from tests.factories.world import World

CONTROL = "shared-computers"


def counts(runtime: Runtime) -> object:
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        return connection.execute(
            text(
                "select (select count(*) from app.account_session),"
                " (select count(*) from app.student_session),"
                " (select max(last_active_at) from app.account), (select count(*) from app.audit_entry)"
            )
        ).one()


def shipping(runtime: Runtime, **templates: str) -> Flask:
    """The application with other templates in the place of its own."""
    app = build(runtime)
    named = {name.replace("__", "/") + ".html": source for name, source in templates.items()}
    loader = app.jinja_env.loader
    assert loader is not None
    app.jinja_env.loader = ChoiceLoader([DictLoader(named), loader])
    return app


def source(app: Flask, name: str) -> str:
    assert app.jinja_env.loader is not None
    return app.jinja_env.loader.get_source(app.jinja_env, name)[0]


def test_it_holds_and_leaves_no_trace(look: Look, runtime: Runtime, world: World) -> None:
    world.token("teacher")
    before = counts(runtime)
    finding = look(CONTROL)
    assert finding.state is State.HOLDS, finding.evidence
    assert " tried as founder, leader, teacher, parent, child: each has a way out" in finding.evidence
    assert int(finding.evidence.split()[0]) > 15
    assert counts(runtime) == before


@pytest.mark.parametrize(
    "longer", [{"student_idle_shared": 6}, {"account_idle_shared": 11}], ids=["child", "adult"]
)
def test_a_longer_time_falls_short(look: Look, runtime: Runtime, longer: dict[str, int]) -> None:
    settings = runtime.settings.model_copy(update={"sessions": Sessions(**longer)})
    finding = look(CONTROL, settings=settings)
    assert (finding.state, finding.evidence[:18]) == (State.FALLS_SHORT, "At a shared device")


def test_a_class_of_shared_devices_with_the_longer_time_falls_short(
    look: Look, runtime: Runtime, broken: Broken
) -> None:
    choice = "case when o.shared_devices then idle_shared else idle_own end"
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        sound = str(
            connection.scalar(text("select pg_get_functiondef('app.begin_student_session'::regproc)"))
        )
    assert choice in sound
    with broken(sound.replace(choice, "idle_own"), sound):
        assert look(CONTROL).evidence.startswith("A class whose devices are shared")


@pytest.mark.parametrize(
    ("name", "of"),
    [("accounts__signed_in", "/account has"), ("console__layout", "/console/ has")],
)
def test_a_page_without_a_way_out_falls_short(
    look: Look, runtime: Runtime, app: Flask, name: str, of: str
) -> None:
    whole = source(app, name.replace("__", "/") + ".html")
    for way in ("/sign-out", "{{ url_for('accounts.sign_out') }}"):
        whole = whole.replace(f'action="{way}"', 'action="/elsewhere"')
    finding = look(CONTROL, app=shipping(runtime, **{name: whole}))
    assert (finding.state, of in finding.evidence) == (State.FALLS_SHORT, True), finding.evidence


def test_one_page_that_leaves_it_out_falls_short(look: Look, runtime: Runtime, app: Flask) -> None:
    """By another frame than all others have."""
    page = source(app, "families/family.html").replace("accounts/signed_in.html", "web/public.html")
    finding = look(CONTROL, app=shipping(runtime, families__family=page))
    assert finding.evidence == "/family has no way out for a parent."


def test_a_childs_page_without_a_way_out_falls_short(look: Look, runtime: Runtime, app: Flask) -> None:
    frame = source(app, "students/base.html").replace("/student/leave", "/student")
    assert look(CONTROL, app=shipping(runtime, students__base=frame)).evidence == (
        "The page of a child has no way out."
    )


def test_one_page_of_a_child_without_a_way_out_falls_short(look: Look, runtime: Runtime, app: Flask) -> None:
    page = source(app, "students/own_pin.html").replace("{% block content %}", "{% block body %}")
    finding = look(CONTROL, app=shipping(runtime, students__own_pin=page))
    assert finding.evidence == "/student/pin has no way out for a child."


def test_a_sign_in_that_does_not_ask_falls_short(look: Look, runtime: Runtime, app: Flask) -> None:
    page = source(app, "accounts/sign_in.html").replace('name="shared"', 'name="other"')
    assert look(CONTROL, app=shipping(runtime, accounts__sign_in=page)).evidence.startswith(
        "/sign-in does not"
    )


def test_a_page_that_may_be_kept_falls_short(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headers, "_may_be_kept", lambda _response: True)
    finding = look(CONTROL)
    assert (finding.state, "may be kept in a cache" in finding.evidence) == (State.FALLS_SHORT, True)
