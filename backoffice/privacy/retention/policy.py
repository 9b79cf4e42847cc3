"""How long what is kept, and why: read from `config/retention.toml`, which is the policy and the program.

Whatever is wrong with the file is said at once. That it fits what the program keeps, `kinds` finds out; that
what it says is in force, `in_force`.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from backoffice.language.texts import lazy
from backoffice.privacy.retention.period import FORM, Period
from backoffice.settings import CONFIG

FILE = "retention.toml"
_NAME = r"^[a-z][a-z0-9-]*$"


class RetentionError(Exception):
    """The policy cannot be used; `problems` says why, one sentence each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


class Action(StrEnum):
    """What happens then. `EMPTY`: what is told goes, and that there was something stays."""

    ERASE = "erase"
    EMPTY = "empty"
    CLOSE = "close"


@dataclass(frozen=True)
class Entry:
    """What the policy says of one kind of data.

    `purpose` says what it is for, `need` why it is kept for so long, `clock` what begins the period, and
    `columns` in which columns that moment stands (`schema.table.column`). `warnings` are how long before,
    whom it concerns is told, the longest first. One with a `plugin` is in force where that is installed.
    """

    name: str
    title: str
    purpose: str
    need: str
    clock: str
    period: Period
    action: Action
    columns: tuple[str, ...] = ()
    warnings: tuple[Period, ...] = ()
    plugin: str | None = None

    @property
    def told_before(self) -> list[timedelta]:
        """How long before the end whom it concerns is told, the longest first."""
        return [each.at_most for each in self.warnings]


@dataclass(frozen=True)
class Policy:
    """The whole policy, in the file's order."""

    entries: Mapping[str, Entry]

    def period(self, name: str) -> Period:
        """How long this kind is kept. Raises `KeyError`."""
        return self.entries[name].period

    @property
    def said(self) -> str:
        """All of it as JSON, in English: two that say the same are written the same, in any order."""
        kinds = {name: written(each) for name, each in self.entries.items()}
        return json.dumps({"kind": kinds}, sort_keys=True)

    @property
    def digest(self) -> str:
        """SHA-256 of what it says, in hexadecimal digits. Comments of the file do not count."""
        return hashlib.sha256(self.said.encode()).hexdigest()


def load(folder: Path = CONFIG) -> Policy:
    """Read the file. Raises `RetentionError` with every problem at once."""
    try:
        return _policy(tomllib.loads((folder / FILE).read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RetentionError([f"{FILE} cannot be read: {error}"]) from None
    except ValidationError as error:
        raise RetentionError(
            f"{FILE}, {'.'.join(str(part) for part in detail['loc'])}:"
            f" {detail['msg'].removeprefix('Value error, ')}"
            for detail in error.errors()
        ) from None


def remembered(said: str) -> Policy:
    """The policy that was written so."""
    return _policy(json.loads(said))


@cache
def on_disk() -> Policy:
    """What the checkout's own file says, as this process found it at its start. Raises `RetentionError`.

    What the program goes by is `in_force.current`.
    """
    return load()


def _policy(said: object) -> Policy:
    stored = _File.model_validate(said)
    return Policy({name: _entry(name, each) for name, each in stored.kind.items()})


def written(entry: Entry) -> dict[str, object]:
    """An entry as the file writes it, in English."""
    said: dict[str, object] = {
        "title": entry.title,
        "purpose": entry.purpose,
        "need": entry.need,
        "period": entry.period.iso,
        "clock": entry.clock,
        "columns": list(entry.columns),
        "action": entry.action,
        "warnings": [each.iso for each in entry.warnings],
    }
    return said | ({"plugin": entry.plugin} if entry.plugin else {})


def _entry(name: str, said: "_Entry") -> Entry:
    return Entry(
        name=name,
        title=lazy(said.title),
        purpose=lazy(said.purpose),
        need=lazy(said.need),
        clock=lazy(said.clock),
        period=said.period,
        action=said.action,
        columns=tuple(said.columns),
        warnings=tuple(said.warnings),
        plugin=said.plugin,
    )


def _period(text: object) -> Period:
    if not isinstance(text, str):
        raise ValueError(FORM)  # noqa: TRY004 - only a ValueError becomes a sentence of the file's problems
    return Period.parse(text)


_Text = Annotated[str, Field(min_length=1)]
_Length = Annotated[Period, BeforeValidator(_period)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    title: _Text
    purpose: _Text
    need: _Text
    period: _Length
    clock: _Text
    columns: list[Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+\.[a-z_]+$")]]
    action: Action
    warnings: list[_Length]
    plugin: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None

    @model_validator(mode="after")
    def _warned_in_time(self) -> "_Entry":
        if any(first.at_most <= then.at_most for first, then in pairwise(self.warnings)):
            raise ValueError("The warnings have to stand in order, the longest before first.")
        if any(each.at_most >= self.period.at_most for each in self.warnings):
            raise ValueError("A warning has to come within the period.")
        return self


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: dict[Annotated[str, Field(pattern=_NAME)], _Entry]
