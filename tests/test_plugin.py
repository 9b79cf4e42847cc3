"""How installed plugins are found, and what stops the start."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import plugins
from backoffice.cli import cli
from backoffice.plugin import CORE_COMMANDS, PluginError, discover
from backoffice.settings import plugin_config

DESCRIPTOR = """
from backoffice.plugin import Plugin
plugin = Plugin(
    name="{name}", title="T", summary="S", tables=None, personal_data=(), retention=(), requires={requires!r}
)
"""
FULLER = """
import click
from backoffice.plugin import Plugin
plugin = Plugin(
    name="{name}", title="T", summary="S", tables=None, personal_data=(), retention=(),
    commands=(click.Command("{command}"),), permissions=("{permission}",),
)
"""
Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Install]:
    """Puts a plugin's file beside the checkout's plugins."""
    monkeypatch.setattr(plugins, "__path__", [*plugins.__path__, str(tmp_path)])
    before = set(sys.modules)

    def write(file: str, *requires: str, name: str | None = None, source: str | None = None) -> None:
        text = source if source is not None else DESCRIPTOR.format(name=name or file, requires=requires)
        (tmp_path / f"{file}.py").write_text(text)

    yield write
    for module in set(sys.modules) - before:
        if module.startswith(("plugins.", "entry_")):
            del sys.modules[module]


@pytest.fixture
def enter_point(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, install: Install) -> Callable[[str], None]:
    """Installs a distribution that offers a plugin by entry point."""

    def offer(name: str) -> None:
        folder = tmp_path / "offer-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: offer\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[backoffice.plugins]\n{name} = entry_{name}:plugin\n")
        (tmp_path / f"entry_{name}.py").write_text(DESCRIPTOR.format(name=name, requires=()))
        monkeypatch.syspath_prepend(str(tmp_path))

    return offer


def problems(*listed: str) -> list[str]:
    with pytest.raises(PluginError) as raised:
        discover(listed)
    return raised.value.problems


def found(*listed: str) -> list[str]:
    return [plugin.name for plugin in discover(listed)]


def test_nothing_listed_is_nothing_installed() -> None:
    assert discover([]) == ()


def test_a_listed_plugin_is_installed(install: Install) -> None:
    install("t_one")
    assert found("t_one") == ["t_one"]


def test_a_plugin_comes_after_what_it_requires(install: Install) -> None:
    install("t_last", "t_middle", "t_first")
    install("t_middle", "t_first")
    install("t_first")
    assert found("t_last", "t_middle", "t_first") == ["t_first", "t_middle", "t_last"]


def test_a_plugin_is_found_by_its_entry_point(enter_point: Callable[[str], None]) -> None:
    enter_point("t_offered")
    assert found() == ["t_offered"]


def test_a_plugins_schema_is_its_own(install: Install) -> None:
    install("t_one")
    assert discover(["t_one"])[0].schema == "plugin_t_one"


def test_a_plugin_that_is_not_there_is_named() -> None:
    assert problems("t_nowhere") == [
        "The plugin t_nowhere cannot be loaded: ModuleNotFoundError: No module named 'plugins.t_nowhere'"
    ]


def test_a_plugin_that_raises_is_named_with_its_reason(install: Install) -> None:
    install("t_raising", source="raise RuntimeError('no disk')")
    assert problems("t_raising") == ["The plugin t_raising cannot be loaded: RuntimeError: no disk"]


@pytest.mark.parametrize(
    "source", [DESCRIPTOR.format(name="t_other", requires=()), "plugin = object()", "plugin = None"]
)
def test_a_plugin_describes_itself_by_its_own_name(install: Install, source: str) -> None:
    install("t_one", source=source)
    assert problems("t_one") == ["The plugin t_one does not describe itself as a Plugin of that name."]


@pytest.mark.parametrize("name", ["T_upper", "t_ümlaut", "_t", "9t"])
def test_a_plugins_name_is_a_plain_word(install: Install, name: str) -> None:
    install(name)
    assert problems(name) == [f"The plugin {name} does not describe itself as a Plugin of that name."]


def test_what_a_plugin_requires_must_be_installed(install: Install) -> None:
    install("t_one", "t_absent")
    assert problems("t_one") == ["The plugin t_one requires t_absent, which is not installed."]


def test_plugins_do_not_require_each_other_in_a_circle(install: Install) -> None:
    install("t_hen", "t_egg")
    install("t_egg", "t_hen")
    (problem,) = problems("t_hen", "t_egg")
    assert problem.startswith("Plugins require each other in a circle: ")


def test_the_cores_name_is_no_plugins(install: Install) -> None:
    install("core")
    assert problems("core") == ["No plugin can be named core: what the core has goes by that name."]


def test_what_is_no_event_cannot_be_handled(install: Install) -> None:
    handling = DESCRIPTOR.replace(
        "requires=", "handlers={{str: print, 'egg': print, Event: print}}, requires="
    )
    install(
        "t_one", source=f"from backoffice.events import Event{handling}".format(name="t_one", requires=())
    )
    assert problems("t_one") == [
        f"The plugin t_one handles {name}, which is no event." for name in ("str", "egg", "Event")
    ]


def test_no_two_share_a_command_or_a_permission(install: Install) -> None:
    for name, command, permission in (
        ("t_one", "db", "students:read"),
        ("t_two", "eggs", "eggs:lay"),
        ("t_three", "eggs", "eggs:lay"),
    ):
        install(name, source=FULLER.format(name=name, command=command, permission=permission))
    assert problems("t_one", "t_two", "t_three") == [
        "The plugin t_one has the command db, which the core has already.",
        "The plugin t_three has the command eggs, which the plugin t_two has already.",
        "The plugin t_one has the permission students:read, which the core has already.",
        "The plugin t_three has the permission eggs:lay, which the plugin t_two has already.",
    ]


def test_every_command_of_the_core_is_taken() -> None:
    installed = discover(plugin_config("plugins")["installed"])
    # A command that ran in this process has added theirs.
    added = {command.name for plugin in installed for command in plugin.commands}
    assert set(cli.commands) - added == CORE_COMMANDS


def test_every_problem_is_told_at_once(install: Install) -> None:
    install("t_one", "t_absent")
    install("t_raising", source="raise RuntimeError('no disk')")
    install("t_empty", source="plugin = None")
    assert problems("t_one", "t_raising", "t_empty") == [
        "The plugin t_raising cannot be loaded: RuntimeError: no disk",
        "The plugin t_empty does not describe itself as a Plugin of that name.",
        "The plugin t_one requires t_absent, which is not installed.",
    ]
