"""What a request says: form fields with nested brackets, read by type."""

import re
from collections.abc import Iterable
from typing import Any, Self
from urllib.parse import parse_qsl

from tests.stripe_stand_in.errors import Obj, Refused

LISTS = ("limit", "starting_after", "ending_before")
WHEN = tuple(f"created{end}" for end in ("", ".gt", ".gte", ".lt", ".lte"))
MOST = 100
KEY = re.compile(r"\[([^\]]*)\]")


def pairs_of(text: str) -> list[tuple[list[str], str]]:
    found = []
    for key, value in parse_qsl(text, keep_blank_values=True):
        head, _, rest = key.partition("[")
        found.append(([head, *KEY.findall(f"[{rest}")] if rest else [head], value))
    return found


def path_of(steps: list[str]) -> str:
    """`items[].price` for what was sent as `items[0][price]`."""
    path = steps[0]
    for step in steps[1:]:
        path += "[]" if not step or step.isdigit() else f".{step}"
    return path


def check(pairs: list[tuple[list[str], str]], known: frozenset[str]) -> None:
    """Raise `Refused` for the first parameter that is not among `known`.

    `metadata.*` allows whatever is below; an empty value may stand for a whole part (`metadata=`).
    """
    for steps, value in pairs:
        path = path_of(steps)
        if path in known or (not value and any(one.startswith((f"{path}.", f"{path}[")) for one in known)):
            continue
        if any(f"{'.'.join(steps[:n])}.*" in known for n in range(1, len(steps))):
            continue
        if f"{re.sub(r'[.][^.]*$', '', path)}.*" in known:
            continue
        name = steps[0] + "".join(f"[{step}]" for step in steps[1:])
        raise Refused(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def nested(pairs: list[tuple[list[str], str]]) -> Obj:
    found: Obj = {}
    for steps, value in pairs:
        at = found
        for step in steps[:-1]:
            inner = at.setdefault(step, {})
            if not isinstance(inner, dict):
                inner = at[step] = {}
            at = inner
        last = steps[-1] or str(len(at))
        at[last] = value
    return {name: _lists(value, name) for name, value in found.items()}


def _lists(value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        return value
    if value and name != "metadata" and all(key.isdigit() for key in value):
        return [_lists(value[key], "") for key in sorted(value, key=int)]
    return {key: _lists(one, key) for key, one in value.items()}


class Fields:
    """The fields of a request, or of one part of it."""

    def __init__(self, values: Obj, at: str = "") -> None:
        self.values = values
        self.at = at

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def where(self, name: str) -> str:
        return f"{self.at}[{name}]" if self.at else name

    def raw(self, name: str) -> Any:
        return self.values.get(name)

    def text(self, name: str, default: str | None = None) -> str | None:
        """None where it is not given, and where it is given empty."""
        value = self.values.get(name, default)
        if isinstance(value, (dict, list)):
            raise Refused(f"Invalid string: {name}", code="parameter_invalid_string", param=self.where(name))
        return value or None

    def need(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise Refused(
                f"Missing required param: {self.where(name)}.",
                code="parameter_missing",
                param=self.where(name),
            )
        return value

    def whole(self, name: str, default: int | None = None, *, least: int | None = None) -> int | None:
        value = self.text(name)
        if value is None:
            return default
        try:
            number = int(value)
        except ValueError:
            raise Refused(
                f"Invalid integer: {value}", code="parameter_invalid_integer", param=self.where(name)
            ) from None
        if least is not None and number < least:
            raise Refused(
                f"This value must be greater than or equal to {least}.",
                code="parameter_invalid_integer",
                param=self.where(name),
            )
        return number

    def moment(self, name: str, now: int) -> int | None:
        """A time in seconds; `now` is the word for the present."""
        return now if self.text(name) == "now" else self.whole(name)

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.text(name)
        if value is None:
            return default
        if value not in {"true", "false"}:
            raise Refused(
                f"Invalid boolean: {value}", code="parameter_invalid_boolean", param=self.where(name)
            )
        return value == "true"

    def choice(self, name: str, options: Iterable[str], default: str) -> str:
        value = self.text(name, default) or default
        if value not in (options := tuple(options)):
            raise Refused(
                f"Invalid {self.where(name)}: must be one of {', '.join(options)}", param=self.where(name)
            )
        return value

    def inner(self, name: str) -> Self:
        value = self.values.get(name)
        return type(self)(value if isinstance(value, dict) else {}, self.where(name))

    def each(self, name: str) -> list[Self]:
        value = self.values.get(name)
        if not isinstance(value, list):
            return []
        return [
            type(self)(one if isinstance(one, dict) else {"": one}, f"{self.where(name)}[{n}]")
            for n, one in enumerate(value)
        ]

    def words(self, name: str) -> list[str]:
        value = self.values.get(name)
        return [str(one) for one in value] if isinstance(value, list) else []

    def metadata(self, old: dict[str, str] | None = None) -> dict[str, str]:
        """What was, with what is sent; an empty value takes a key away, an empty whole all of them."""
        sent = self.values.get("metadata")
        if sent is None:
            return dict(old or {})
        if not isinstance(sent, dict):
            return {}
        merged = {**(old or {}), **{key: str(value) for key, value in sent.items()}}
        for key, value in merged.items():
            if len(key) > 40 or len(value) > 500:
                raise Refused("Metadata keys have up to 40 characters, values up to 500.", param="metadata")
        if len(merged) > 50:
            raise Refused("Metadata has up to 50 keys.", param="metadata")
        return {key: value for key, value in merged.items() if value}
