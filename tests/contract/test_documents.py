"""The documents say what is: each list in them is compared with what it lists."""

import re
from collections.abc import Iterator
from configparser import ConfigParser
from dataclasses import fields
from pathlib import Path

import click
import pytest

from backoffice.cli import cli
from backoffice.plugin import Plugin, discover
from backoffice.settings import Passwords, Sessions, Settings, plugin_config

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *sorted(CHECKOUT.glob("*.md")),
    *sorted(CHECKOUT.glob("docs/*.md")),
    *sorted(CHECKOUT.glob("plugins/*/README.md")),
]
# Said of every plugin beside the table: what it is called, and how it was found.
NOT_IN_THE_TABLE = {"name", "title", "summary", "package", "version", "enabled_at_first", "keeps_promises"}


def text_of(name: str) -> str:
    return (CHECKOUT / name).read_text("utf-8")


def first_cells(text: str) -> list[str]:
    """What stands in the first column of a document's tables."""
    return re.findall(r"^\| (.+?) \|", text, re.MULTILINE)


def commands(group: click.Group, *above: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)
        else:
            yield " ".join((*above, name))


def test_every_dependency_has_its_reason() -> None:
    config = ConfigParser()
    config.read(CHECKOUT / "setup.cfg")
    lines = config["options"]["install_requires"] + config["options.extras_require"]["test"]
    asked_for = {re.split(r"[\[ ><=,]", line)[0] for line in lines.split("\n") if line}
    dependencies = text_of("docs/decisions.md").partition("## Dependencies")[2]
    reasoned = {word for cell in first_cells(dependencies) for word in re.split(r"[, ]+", cell)}
    assert asked_for - reasoned == set()


def test_every_setting_is_explained() -> None:
    cells = " ".join(first_cells(text_of("docs/operations.md")))
    explained = set(re.findall(r"`([A-Z_]+?)(?:__…)?`", cells))
    assert {name.upper() for name in Settings.model_fields} <= explained
    for name, section in (("SESSIONS", Sessions), ("PASSWORDS", Passwords)):
        (row,) = re.findall(rf"^\| `{name}__….+$", text_of("docs/operations.md"), re.MULTILINE)
        assert set(re.findall(r"`([A-Z_]+)`", row)) == {part.upper() for part in section.model_fields}


def test_every_command_is_explained() -> None:
    known = {*commands(cli)}
    for plugin in discover(plugin_config("plugins")["installed"]):
        known |= {*commands(click.Group(commands=plugin.commands))}
    rows = [cell for cell in first_cells(text_of("docs/operations.md")) if cell.startswith("`backoffice")]
    explained: set[str] = set()
    for row in rows:
        group = ""
        for code in re.findall(r"`([^`]+)`", row):
            words = [word for word in code.removeprefix("backoffice ").split() if word.islower()]
            group = words[0] if len(words) > 1 else group
            explained.add(" ".join(words if len(words) > 1 or not group else [group, *words]))
    assert known == explained


def test_every_part_of_a_plugin_is_explained() -> None:
    text = text_of("docs/plugins.md")
    explained = {word for cell in first_cells(text) for word in re.findall(r"`(\w+)`", cell)}
    assert explained == {each.name for each in fields(Plugin)} - NOT_IN_THE_TABLE


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(CHECKOUT).as_posix())
def test_what_a_document_points_at_is_there(document: Path) -> None:
    text = document.read_text("utf-8")
    links = [CHECKOUT / document.parent / link for link in re.findall(r"\]\(([^)#:]+)", text)]
    # The example of a plugin that is still to be written.
    named = re.findall(r"`((?:backoffice|plugins|tests|config|docs)/(?!.*field_trips)[\w./-]+)`", text)
    missing = [str(path) for path in (*links, *(CHECKOUT / name for name in named)) if not path.exists()]
    assert missing == []


def test_what_a_comment_points_at_is_there() -> None:
    """Comments and docstrings name files too, and outlive them."""
    missing = [
        f"{path.relative_to(CHECKOUT)}: {name}"
        for folder in ("backoffice", "plugins", "config")
        for path in (CHECKOUT / folder).rglob("*")
        if path.suffix in {".py", ".toml", ".ini", ".html", ".sql", ".css", ".js"}
        for name in re.findall(
            r"(?<![\w/.])((?:backoffice|plugins|tests|config|docs)/[\w./-]+\.(?:py|toml|md|sql|ini|html))",
            path.read_text("utf-8"),
        )
        if not (CHECKOUT / name).exists()
    ]
    assert missing == []
