"""The promises and the policy they keep, read from `config/controls.toml` and `config/policy.toml`.

Whatever is wrong with the two files is said at once: a promise that names no sentence of the policy is as
much a mistake as a sentence that nobody keeps.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from backoffice.language.texts import lazy
from backoffice.settings import CONFIG

_ID = r"^[a-z][a-z0-9-]*$"
_UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_DURATION = re.compile(rf"([1-9][0-9]*) ({'|'.join(_UNITS)})s?\b")


class RegistryError(Exception):
    """The files cannot be used; `problems` says why, one sentence each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class Control:
    """One promise: what it says, which sentences of the policy it keeps, how often it is checked."""

    id: str
    promise: str
    sentences: tuple[str, ...]
    every: timedelta
    limit: str

    @property
    def times(self) -> tuple[timedelta, ...]:
        """The durations that the limit names, in order. A check compares with them."""
        return tuple(durations(self.limit))


@dataclass(frozen=True)
class Block:
    """A paragraph or a list of the policy; `sentences` maps ids to the exact text, in order."""

    part: str | None
    heading: str | None
    label: str | None
    style: Literal["text", "list"]
    sentences: Mapping[str, str]

    def lines(self) -> list[str]:
        """The block as the policy's plain text has it."""
        above = [line for line in (self.part, self.heading) if line]
        if self.style == "list":
            return above + [f"- {item}" for item in self.sentences.values()]
        return [*above, " ".join([*([self.label] if self.label else []), *self.sentences.values()])]


@dataclass(frozen=True)
class Policy:
    """The published policy."""

    title: str
    blocks: tuple[Block, ...]

    def text(self) -> str:
        """The whole policy as plain text."""
        return "\n".join([self.title, *(line for block in self.blocks for line in block.lines())])


@dataclass(frozen=True)
class Registry:
    """Policy and promises that fit together. `no_promise` maps ids of sentences to reasons."""

    policy: Policy
    controls: tuple[Control, ...]
    no_promise: Mapping[str, str]

    def control(self, control_id: str) -> Control:
        """The promise of this id. Raises `KeyError`."""
        for control in self.controls:
            if control.id == control_id:
                return control
        raise KeyError(control_id)

    def keepers(self, sentence: str) -> tuple[Control, ...]:
        """The promises that keep a sentence of the policy."""
        return tuple(control for control in self.controls if sentence in control.sentences)


def durations(text: str) -> list[timedelta]:
    """Every duration in a text: "20 minutes", "1 day"."""
    return [int(number) * _UNITS[unit] for number, unit in _DURATION.findall(text)]


def load(folder: Path = CONFIG, *, checked: Sequence[str] = ()) -> Registry:
    """Read both files. `checked` are the control ids that the checks of this installation name.

    Raises `RegistryError` with every problem at once.
    """
    problems: list[str] = []
    policy_file = _read(folder / "policy.toml", _PolicyFile, problems)
    controls_file = _read(folder / "controls.toml", _ControlsFile, problems)
    if policy_file is None or controls_file is None:
        raise RegistryError(problems)
    policy = Policy(
        policy_file.title,
        tuple(Block(b.part, b.heading, b.label, b.style, b.sentences) for b in policy_file.block),
    )
    controls = tuple(
        # A key of the catalogues, into which `make texts` writes it.
        Control(c.id, lazy(c.promise), tuple(c.sentences), c.every, c.limit)
        for c in controls_file.control
    )
    problems += _mismatches(policy, controls, controls_file.no_promise)
    problems += [f"Two checks are named {each}." for each in _twice(checked)]
    known = {control.id for control in controls}
    problems += [
        f"A check is named {each}, but controls.toml has no such control."
        for each in dict.fromkeys(checked)
        if each not in known
    ]
    if problems:
        raise RegistryError(problems)
    return Registry(policy, controls, controls_file.no_promise)


@cache
def current() -> Registry:
    """What the checkout's own files say. They do not change while a process runs. Raises `RegistryError`."""
    return load()


def _mismatches(policy: Policy, controls: Sequence[Control], no_promise: Mapping[str, str]) -> Iterable[str]:
    said = [sentence for block in policy.blocks for sentence in block.sentences]
    kept = {sentence for control in controls for sentence in control.sentences}
    yield from (f"policy.toml has two sentences {each}." for each in _twice(said))
    yield from (f"controls.toml has two controls {each}." for each in _twice([c.id for c in controls]))
    for control in controls:
        yield from (
            f"The control {control.id} keeps {each}, which policy.toml does not have."
            for each in control.sentences
            if each not in said
        )
        yield from (
            f"The control {control.id} lists the sentence {each} twice." for each in _twice(control.sentences)
        )
    yield from (
        f"[no_promise] lists {each}, which policy.toml does not have."
        for each in no_promise
        if each not in said
    )
    for each in dict.fromkeys(said):
        if each in kept and each in no_promise:
            yield f"The sentence {each} is kept by a control and listed under [no_promise]."
        if each not in kept and each not in no_promise:
            yield f"The sentence {each} is neither kept by a control nor listed under [no_promise]."


def _twice(names: Sequence[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _interval(text: object) -> timedelta:
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError('Write it as a number and a unit, such as "1 day".')
    return int(found[1]) * _UNITS[found[2]]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


_Id = Annotated[str, Field(pattern=_ID)]
_Text = Annotated[str, Field(min_length=1)]


class _Block(_File):
    part: _Text | None = None
    heading: _Text | None = None
    label: _Text | None = None
    style: Literal["text", "list"]
    sentences: dict[_Id, _Text]


class _PolicyFile(_File):
    title: _Text
    block: list[_Block]


class _Control(_File):
    id: _Id
    promise: _Text
    sentences: list[str]
    every: Annotated[timedelta, BeforeValidator(_interval)]
    limit: _Text


class _ControlsFile(_File):
    control: list[_Control]
    no_promise: dict[str, _Text]


_F = TypeVar("_F", bound=_File)


def _read(path: Path, form: type[_F], problems: list[str]) -> _F | None:
    try:
        return form.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{path.name} cannot be read: {error}")
    except ValidationError as error:
        problems.extend(
            f"{path.name}, {'.'.join(str(part) for part in detail['loc'])}:"
            f" {detail['msg'].removeprefix('Value error, ')}"
            for detail in error.errors()
        )
    return None
