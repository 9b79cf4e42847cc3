"""`backoffice plugins`: what it lists, what it switches, and how it refuses."""

import json

import pytest

from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.runtime import Runtime
from tests.factories.commands import Run


def on(name: str) -> bool:
    with transaction(Purpose("test")) as tx:
        return tx.enabled(name)


def test_every_installed_plugin_is_listed(run: Run, runtime: Runtime) -> None:
    answer = run("plugins", "list", "--json")
    listed = {each["name"]: each for each in json.loads(answer.out)}
    assert (answer.code, answer.err) == (0, "")
    assert set(listed) == {plugin.name for plugin in runtime.plugins}
    assert listed["trust"]["enabled"] is True
    assert listed["trust"]["keeps_promises"] is True


def test_the_table_says_which_are_on(run: Run) -> None:
    assert any(line.startswith("on   trust ") for line in run("plugins", "list").out.splitlines())


def test_a_plugin_is_switched_off_and_on(run: Run) -> None:
    off = run("plugins", "disable", "trust", "--reason", "It is being moved to another machine")
    assert (off.code, off.out, off.err) == (0, "trust is switched off.\n", "")
    assert not on("trust")
    assert any(line.startswith("off  trust ") for line in run("plugins", "list").out.splitlines())
    back = run("plugins", "enable", "trust")
    assert (back.code, back.out) == (0, "trust is switched on.\n")
    assert on("trust")


def test_what_keeps_promises_is_not_switched_off_without_a_reason(run: Run) -> None:
    answer = run("plugins", "disable", "trust")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "Say why, in a sentence. The other founders read it. Use --reason.\n"
    assert on("trust")


@pytest.mark.parametrize("verb", ["enable", "disable"])
def test_a_plugin_that_is_not_installed_is_one_sentence(run: Run, verb: str) -> None:
    answer = run("plugins", verb, "dodo")
    assert answer == (2, "", "There is no plugin dodo. See: backoffice plugins list\n")
