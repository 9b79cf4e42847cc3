"""What a plugin's settings ask for: each field of the model, as a form and a sentence need to know it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from backoffice.language.moments import amount, long_day
from backoffice.language.texts import gettext, lazy
from backoffice.plugin import PluginSettings
from backoffice.wording import spoken

LENGTHS = {
    "seconds": timedelta(seconds=1),
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
}
LETTERS, LINES = lazy("letters"), lazy("lines")
# In the catalogue, as what is said of one and of several.
UNITS = (
    *(lazy("seconds"), lazy("minutes"), lazy("hours"), lazy("days")),
    *(lazy("second"), lazy("minute"), lazy("hour"), lazy("day")),
)


class Kind(StrEnum):
    """What can be asked for."""

    FLAG = "flag"
    WHOLE = "whole"
    NUMBER = "number"
    TEXT = "text"
    CHOICE = "choice"
    LINES = "lines"
    LENGTH = "length"
    DAY = "day"
    SECRET = "secret"  # noqa: S105 - the name of a kind


_KINDS: Mapping[Any, Kind] = {
    bool: Kind.FLAG,
    int: Kind.WHOLE,
    float: Kind.NUMBER,
    str: Kind.TEXT,
    timedelta: Kind.LENGTH,
    date: Kind.DAY,
    SecretStr: Kind.SECRET,
}


@dataclass(frozen=True)
class Setting:
    """One field. `low` and `high` are the smallest and the largest value; of texts and lines, the length.

    `optional` ones may be left empty, which is None. A length of time is asked for in its unit. `words` say
    what choices are called that are not called by their own name.
    """

    name: str
    title: str
    help: str
    kind: Kind
    default: Any
    unit: str = ""
    optional: bool = False
    low: Any = None
    high: Any = None
    choices: Sequence[Any] = ()
    words: Mapping[str, str] = field(default_factory=dict)

    def in_words(self, value: Any) -> str:
        """A value as a person says it; a secret is never said."""
        if self.kind is Kind.SECRET:
            return gettext("stored") if is_stored(value) else gettext("empty")
        if value is None or value == "":
            return gettext("empty")
        if self.kind is Kind.FLAG:
            return gettext("yes") if value else gettext("no")
        if self.kind is Kind.LINES:
            return ", ".join(value) or gettext("empty")
        if self.kind is Kind.DAY:
            return long_day(value)
        said = self._chosen(value) if self.kind is Kind.CHOICE else self.typed(value)
        unit = self.unit.removesuffix("s") if said == "1" else self.unit
        return f"{said} {gettext(unit)}" if unit else said

    def typed(self, value: Any) -> str:
        """A value as somebody types it into a form; of a secret, nothing."""
        if value is None or self.kind is Kind.SECRET:
            return ""
        if self.kind is Kind.LINES:
            return "\n".join(value)
        if self.kind is Kind.LENGTH:
            # All digits: what is shown is what a form that is saved again sends.
            return repr(value / LENGTHS[self.unit]).removesuffix(".0")
        return str(value)

    def limits(self) -> str:
        """What may be typed, in a sentence; empty where everything may."""
        counted = {Kind.TEXT: LETTERS, Kind.SECRET: LETTERS, Kind.LINES: LINES}.get(self.kind)
        ranged = self.kind in {Kind.WHOLE, Kind.NUMBER, Kind.LENGTH, Kind.DAY}
        # What counts it is a text of its own: a plugin may name any unit.
        unit = gettext(counted or self.unit) if counted or self.unit else ""
        low, high = (self._said(each) for each in (self.low, self.high))
        after = f" {unit}" if unit else ""
        least, most = f"{low}{after}", f"{high}{after}"
        if low and high:
            return gettext("From %(low)s to %(high)s.", low=low, high=most)
        if low:
            return gettext("At least %(low)s.", low=least)
        if high:
            return gettext("At most %(high)s.", high=most)
        return gettext("In %(unit)s.", unit=unit) if ranged and unit else ""

    def _chosen(self, value: Any) -> str:
        called = str(value)
        return str(self.words[called]) if called in self.words else gettext(spoken(called))

    def _said(self, limit: Any) -> str:
        if limit is None:
            return ""
        if self.kind in {Kind.LENGTH, Kind.DAY}:
            return self.typed(limit) if self.kind is Kind.LENGTH else self.in_words(limit)
        return amount(limit) if isinstance(limit, int) else str(limit)


def is_stored(secret: SecretStr | None) -> bool:
    """Whether there is a secret."""
    return secret is not None and bool(secret.get_secret_value())


@cache
def settings_in(model: type[PluginSettings]) -> Mapping[str, Setting]:
    """The fields of a model by name. Raises `TypeError` for one of a type that no form can ask for."""
    return {name: _setting(name, info) for name, info in model.model_fields.items()}


def _setting(name: str, info: FieldInfo) -> Setting:
    declared, optional = _without_none(info.annotation)
    kind, choices = _KINDS.get(declared), _choices(declared)
    if choices:
        kind = Kind.CHOICE
    elif _is_lines(declared):
        kind = Kind.LINES
    if kind is None or (optional and kind in {Kind.FLAG, Kind.CHOICE, Kind.LINES}):
        raise TypeError(f"The setting {name} has a type that no form can ask for.")
    unit = _unit(info)
    if kind is Kind.LENGTH:
        unit = unit or "minutes"
        if unit not in LENGTHS:
            raise TypeError(
                f"The setting {name} is a length of time in {unit}, which is none of {[*LENGTHS]}."
            )
    low, high = _limits(info, step=1 if kind is Kind.WHOLE else 0)
    return Setting(
        name=name,
        title=info.title or spoken(name),
        help=info.description or "",
        kind=kind,
        default=info.get_default(call_default_factory=True),
        unit=unit,
        optional=optional or kind is Kind.SECRET or (kind in {Kind.TEXT, Kind.LINES} and not low),
        low=low,
        high=high,
        choices=choices,
        words=_extra(info).get("words", {}),
    )


def _without_none(declared: Any) -> tuple[Any, bool]:
    if get_origin(declared) in {Union, UnionType}:
        left = [each for each in get_args(declared) if each is not NoneType]
        if len(left) == 1 and len(left) < len(get_args(declared)):
            return left[0], True
    return declared, False


def _choices(declared: Any) -> Sequence[Any]:
    if get_origin(declared) is Literal:
        return get_args(declared)
    if isinstance(declared, type) and issubclass(declared, StrEnum):
        return list(declared)
    return ()


def _is_lines(declared: Any) -> bool:
    return (get_origin(declared), get_args(declared)) in {(tuple, (str, ...)), (list, (str,))}


def _limits(info: FieldInfo, *, step: int) -> tuple[Any, Any]:
    low = high = None
    for limit in info.metadata:
        low = getattr(limit, "ge", getattr(limit, "min_length", low))
        high = getattr(limit, "le", getattr(limit, "max_length", high))
        low = limit.gt + step if hasattr(limit, "gt") else low
        high = limit.lt - step if hasattr(limit, "lt") else high
    return low, high


def _unit(info: FieldInfo) -> str:
    return str(_extra(info).get("unit", ""))


def _extra(info: FieldInfo) -> Mapping[str, Any]:
    extra = info.json_schema_extra
    return extra if isinstance(extra, dict) else {}
