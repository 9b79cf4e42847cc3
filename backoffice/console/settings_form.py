"""A form made from a plugin's settings: its fields, their units and limits, and what holds by default."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Literal, get_args, get_origin

from flask_wtf import FlaskForm
from pydantic.fields import FieldInfo
from wtforms import BooleanField, FloatField, IntegerField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.fields.core import Field
from wtforms.validators import InputRequired, Length, NumberRange

from backoffice.plugin import PluginSettings

LONGEST_TEXT = 500


def form_class(model: type[PluginSettings]) -> type[FlaskForm]:
    """The form of these settings. Raises `TypeError` for a field of a type that no form can ask for."""
    fields = {name: _field(name, info) for name, info in model.model_fields.items()}
    made: type[FlaskForm] = type(f"{model.__name__}Form", (FlaskForm,), fields)
    return made


def values_of(model: type[PluginSettings], form: FlaskForm) -> dict[str, Any]:
    """What the form was filled with, by field."""
    return {name: form[name].data for name in model.model_fields}


def shown(model: type[PluginSettings], settings: PluginSettings) -> list[Mapping[str, Any]]:
    """Each setting as a row to read: title, value in words, whether it is the default."""
    return [
        {
            "title": _title(name, info),
            "value": _in_words(getattr(settings, name), info),
            "is_default": getattr(settings, name) == info.default,
        }
        for name, info in model.model_fields.items()
    ]


def title_of(model: type[PluginSettings], name: str) -> str:
    """What a setting is called."""
    return _title(name, model.model_fields[name])


def in_words(model: type[PluginSettings], name: str, value: Any) -> str:
    """A value of a setting in words."""
    return _in_words(value, model.model_fields[name])


def _field(name: str, info: FieldInfo) -> Field:
    kind, title, help_text = info.annotation, _title(name, info), _help(info)
    required = InputRequired("Fill this in, or go back to the default.")
    if kind is bool:
        return BooleanField(title, description=help_text)
    if kind is int or kind is float:
        low, high = _limits(info)
        return (IntegerField if kind is int else FloatField)(
            title, [required, NumberRange(low, high)], description=help_text
        )
    if kind is str:
        longest = next((m.max_length for m in info.metadata if hasattr(m, "max_length")), LONGEST_TEXT)
        return StringField(title, [Length(max=longest)], description=help_text)
    if choices := _choices(kind):
        offered = [SelectChoice(value=value, label=label) for value, label in choices]
        return SelectField(title, choices=offered, coerce=_as_declared(kind), description=help_text)
    raise TypeError(f"The setting {name} has a type that no form can ask for.")


def _choices(kind: Any) -> list[tuple[Any, str]]:
    if get_origin(kind) is Literal:
        return [(value, _as_words(str(value))) for value in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return [(value.value, _as_words(value.value)) for value in kind]
    return []


def _as_declared(kind: Any) -> Callable[[Any], Any]:
    """What makes of a choice's text the value it stands for: a form sends 7 as "7"."""
    values = {str(value): value for value, _label in _choices(kind)}

    def coerce(text: Any) -> Any:
        if str(text) not in values:
            raise ValueError
        return values[str(text)]

    return coerce


def _limits(info: FieldInfo) -> tuple[Any, Any]:
    """The smallest and the largest value, inclusive; None where there is no limit."""
    step = 1 if info.annotation is int else 0
    low = high = None
    for limit in info.metadata:
        low = getattr(limit, "ge", low)
        high = getattr(limit, "le", high)
        low = limit.gt + step if hasattr(limit, "gt") else low
        high = limit.lt - step if hasattr(limit, "lt") else high
    return low, high


def _title(name: str, info: FieldInfo) -> str:
    return info.title or _as_words(name)


def _unit(info: FieldInfo) -> str:
    extra = info.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def _help(info: FieldInfo) -> str:
    low, high = _limits(info)
    unit = _unit(info)
    if low is not None and high is not None:
        limits = f"From {low} to {high}{f' {unit}' if unit else ''}."
    else:
        limits = f"In {unit}." if unit else ""
    default = f"Default: {_in_words(info.default, info)}."
    return " ".join(part for part in (info.description, limits, default) if part)


def _in_words(value: Any, info: FieldInfo) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    unit = _unit(info)
    said = _as_words(str(value)) if _choices(info.annotation) else str(value)
    return f"{said} {unit}" if unit else said or "empty"


def _as_words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").capitalize()
