"""The page of permissions says what `config/roles.toml` says, in words, for the core and for plugins."""

import tomllib
from dataclasses import replace

import pytest
from flask import Flask

from backoffice.access import policy
from backoffice.access.policy import RoleName
from backoffice.console.permissions import AREAS, ROLES
from backoffice.host.services import switch_plugin
from backoffice.runtime import Runtime
from backoffice.settings import CONFIG
from tests.contract import ticks
from tests.contract.ticks import Line
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, World

PAGE = "/console/permissions/"


def lines(app: Flask, world: World, role: str = "leader") -> dict[str, Line]:
    return dict(ticks.read(signed_in(app, world, role).get(PAGE).text)[1])


def test_each_area_of_the_core_is_called_something(runtime: Runtime) -> None:
    of_plugins = {each for plugin in runtime.plugins for each in plugin.permissions}
    assert set(AREAS) == {each.area for each in policy.declared() - of_plugins}


@pytest.mark.parametrize("role", ["leader", "founder"])
def test_it_ticks_what_the_file_lists(app: Flask, world: World, role: str) -> None:
    stored = tomllib.loads((CONFIG / "roles.toml").read_text("utf-8"))
    roles, shown = ticks.read(signed_in(app, world, role).get(PAGE).text)
    assert roles == [ROLES[RoleName(each)][0] for each in stored]
    assert set(shown) == policy.declared()
    for name, line in shown.items():
        wanted = {title for each, (title, _) in ROLES.items() if name in stored[each]["permissions"]}
        assert line.roles == wanted, name


def test_it_follows_the_policy_at_work(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Helper" not in lines(app, world)["students:edit"].roles
    more = {**policy._granted, "helper": policy.granted(RoleName.HELPER) | {"students:edit"}}
    monkeypatch.setattr(policy, "_granted", more)
    assert "Helper" in lines(app, world)["students:edit"].roles


def test_every_permission_is_said_in_a_sentence_of_its_own(app: Flask, world: World) -> None:
    del app, world
    unsaid = [each for each in policy.declared() if not each.says]
    assert unsaid == [], "Say in words what these allow, where they are declared."
    assert len({each.says for each in policy.declared()}) == len(policy.declared())


def test_a_line_tells_pages_and_what_asks_for_the_password(app: Flask, world: World) -> None:
    shown = lines(app, world)
    assert shown["students:edit"].text.endswith("on Names and pictures, Put back, Students")
    assert "on Invitations, Teachers, the password is asked for once more" in shown["teachers:invite"].text
    assert shown["students:export"].text.endswith("on Students, the password is asked for once more")
    assert shown["keys:rotate"].text.endswith("By no role, at the server only")


def test_what_a_plugin_lets_be_allowed_goes_with_its_switch(
    app: Flask, world: World, runtime: Runtime
) -> None:
    assert "Switched off" not in lines(app, world)["rosters:import"].text
    for enabled in (False, True):
        switch_plugin(principal=SYSTEM, installed=runtime.plugins, name="rosters", enabled=enabled)
        assert ("Switched off" in lines(app, world)["rosters:import"].text) is not enabled


def test_a_permission_without_a_sentence_is_shown_by_its_name(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch, runtime: Runtime
) -> None:
    unsaid = type(next(iter(policy.declared())))("dodos:feed-by-hand")
    monkeypatch.setattr(policy, "_declared", policy.declared() | {unsaid})
    plugin = replace(runtime.plugins[0], title="Dodos", permissions=(unsaid,))
    monkeypatch.setitem(app.extensions, "backoffice", replace(runtime, plugins=(plugin,)))
    assert lines(app, world)["dodos:feed-by-hand"].text.startswith("Dodos, feed by hand")


@pytest.mark.parametrize("role", ["teacher", "officer", "helper", "parent"])
def test_nobody_else_reads_it(app: Flask, world: World, role: str) -> None:
    assert signed_in(app, world, role).get(PAGE).status_code == 404
