"""A form made from a plugin's settings: their help, units and limits, and the way back to each default.

The fields take what is typed as it is: the model itself says what cannot be, in `host.sentences`.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from flask_wtf import FlaskForm
from pydantic import TypeAdapter, ValidationError
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, HiddenField, PasswordField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.fields.core import Field
from wtforms.validators import Length
from wtforms.widgets import DateInput, NumberInput, TextInput

from backoffice.host.fields import LENGTHS, Kind, Setting, is_stored, settings_in
from backoffice.language.texts import gettext, lazy
from backoffice.plugin import PluginSettings

LONGEST_TEXT, LONGEST_LINES = 500, 10_000
RESET, ALL, SEEN = "reset", "*", "seen"
# Beside each secret: whether what is stored is to be forgotten.
FORGET = "forget_"
WIDGETS = {
    Kind.WHOLE: NumberInput(step="1"),
    Kind.NUMBER: NumberInput(step="any"),
    Kind.LENGTH: NumberInput(step="any"),
    Kind.DAY: DateInput(),
}


@dataclass(frozen=True)
class Row:
    """One setting as its page shows it. `now` is what somebody else saved since the page was opened."""

    setting: Setting
    field: Field
    help: str
    default: str
    changed: bool
    forget: Field | None = None
    now: str | None = None


def form_class(model: type[PluginSettings]) -> type[FlaskForm]:
    """The form of these settings. Raises `TypeError` for a field of a type that no form can ask for."""
    fields: dict[str, Any] = {SEEN: HiddenField()}
    for setting in settings_in(model).values():
        fields[setting.name] = _field(setting)
        if setting.kind is Kind.SECRET:
            fields[f"{FORGET}{setting.name}"] = BooleanField(lazy("Forget what is stored"))
    made: type[FlaskForm] = type(f"{model.__name__}Form", (FlaskForm,), fields)
    return made


def filled(model: type[PluginSettings], settings: PluginSettings, *, seen: str) -> dict[str, Any]:
    """What the form is first filled with."""
    return {SEEN: seen} | {
        name: _as_filled(setting, getattr(settings, name)) for name, setting in settings_in(model).items()
    }


def with_defaults(model: type[PluginSettings], sent: MultiDict[str, str]) -> MultiDict[str, str]:
    """What was sent, with the fields that are to go back to their defaults filled so."""
    wanted = set(sent.getlist(RESET))
    changed = MultiDict(sent)
    for name, setting in settings_in(model).items():
        if not wanted & {name, ALL}:
            continue
        changed.poplist(name)
        if setting.kind is Kind.SECRET:
            changed[f"{FORGET}{name}"] = "y"
        elif setting.kind is not Kind.FLAG:
            changed[name] = setting.typed(setting.default)
        elif setting.default:
            changed[name] = "y"
    return changed


def values_of(model: type[PluginSettings], form: FlaskForm) -> dict[str, Any]:
    """What the form was filled with, by field. What is left out goes back to its default."""
    found = {}
    for name, setting in settings_in(model).items():
        typed = form[name].data
        if setting.kind is Kind.SECRET and not typed:
            continue
        found[name] = _value(setting, typed)
    return found


def kept(model: type[PluginSettings], form: FlaskForm) -> list[str]:
    """The secrets that stay as they are: nothing was typed, and they are not to be forgotten."""
    return [
        name
        for name, setting in settings_in(model).items()
        if setting.kind is Kind.SECRET and not form[name].data and not form[f"{FORGET}{name}"].data
    ]


def ask_again(model: type[PluginSettings], form: FlaskForm) -> None:
    """Say at each secret that was typed and not saved that it is gone: a page never shows one again."""
    for name, setting in settings_in(model).items():
        if setting.kind is Kind.SECRET and form[name].data:
            form[name].errors = [*form[name].errors, gettext("Type it again: it was not saved.")]


def rows(
    model: type[PluginSettings],
    form: FlaskForm,
    settings: PluginSettings,
    *,
    saved_meanwhile: Collection[str] = (),
) -> list[Row]:
    """The fields of the form, each with what there is to know of it; `settings` are those that hold."""
    found = []
    for name, setting in settings_in(model).items():
        value, field = getattr(settings, name), form[name]
        secret = setting.kind is Kind.SECRET
        stored = secret and is_stored(value)
        shown_at_default = not stored if secret else _is(setting, field.data, setting.default)
        found.append(
            Row(
                setting,
                field,
                _help(setting, stored=stored),
                setting.in_words(setting.default),
                changed=value != setting.default or not shown_at_default,
                forget=form[f"{FORGET}{name}"] if stored else None,
                now=setting.in_words(value) if name in saved_meanwhile else None,
            )
        )
    return found


def differing(model: type[PluginSettings], form: FlaskForm, settings: PluginSettings) -> list[str]:
    """The fields in which the form and the settings that hold are not alike."""
    return [
        name
        for name, setting in settings_in(model).items()
        if setting.kind is not Kind.SECRET and not _is(setting, form[name].data, getattr(settings, name))
    ]


def shown(model: type[PluginSettings], settings: PluginSettings) -> list[Mapping[str, Any]]:
    """Each setting as a row to read: title, value in words, whether it is the default."""
    return [
        {
            "title": setting.title,
            "value": setting.in_words(getattr(settings, name)),
            "is_default": getattr(settings, name) == setting.default,
        }
        for name, setting in settings_in(model).items()
    ]


def title_of(model: type[PluginSettings], name: str) -> str:
    """What a setting is called."""
    return settings_in(model)[name].title


def in_words(model: type[PluginSettings], name: str, value: Any) -> str:
    """A value of a setting in words, as it was stored."""
    try:
        declared: Any = model.model_fields[name].annotation
        typed = TypeAdapter(declared).validate_python(value)
    except ValidationError:
        return str(value)  # from an older model
    return settings_in(model)[name].in_words(typed)


def _field(setting: Setting) -> Field:
    match setting.kind:
        case Kind.FLAG:
            return BooleanField(setting.title)
        case Kind.CHOICE:
            offered = [SelectChoice(value=value, label=setting.in_words(value)) for value in setting.choices]
            return SelectField(
                setting.title, choices=offered, coerce=_as_declared(setting), validate_choice=False
            )
        case Kind.LINES:
            return TextAreaField(setting.title, [Length(max=LONGEST_LINES)])
        case Kind.SECRET:
            return PasswordField(setting.title, [Length(max=LONGEST_TEXT)], render_kw={"autocomplete": "off"})
    # How long a text may be says its model, if it does.
    longest = [] if setting.kind is Kind.TEXT and setting.high else [Length(max=LONGEST_TEXT)]
    return StringField(setting.title, longest, widget=WIDGETS.get(setting.kind, TextInput()))


def _as_declared(setting: Setting) -> Callable[[Any], Any]:
    """What makes of a choice's text the value it stands for: a form sends 7 as "7"."""
    values = {str(value): value for value in setting.choices}
    return lambda text: values.get(str(text), str(text))


def _as_filled(setting: Setting, value: Any) -> Any:
    return value if setting.kind in {Kind.FLAG, Kind.CHOICE} else setting.typed(value)


def _is(setting: Setting, data: Any, value: Any) -> bool:
    """Whether a field is filled with a value."""
    filled_with = _as_filled(setting, value)
    if setting.kind is Kind.LINES:
        # Browsers end lines in their own way.
        return bool([line.strip() for line in (data or "").splitlines()] == filled_with.splitlines())
    return bool(data == filled_with)


def _value(setting: Setting, typed: Any) -> Any:
    """What was typed, as the model is asked to take it."""
    if setting.kind in {Kind.FLAG, Kind.CHOICE}:
        return typed
    if setting.kind is Kind.LINES:
        return [line for each in (typed or "").splitlines() if (line := each.strip())]
    text = (typed or "").strip()
    # Of a text that may be empty, nothing is a text as well.
    if not text and setting.optional and (setting.default is None or setting.kind is not Kind.TEXT):
        return None
    if setting.kind is Kind.LENGTH:
        try:
            return float(text) * LENGTHS[setting.unit]
        except (ValueError, OverflowError):
            # Whatever it is, the model says that it is none.
            return "none"
    return text


def _help(setting: Setting, *, stored: bool) -> str:
    parts = [
        setting.help,
        gettext("A line for each.") if setting.kind is Kind.LINES else "",
        setting.limits(),
    ]
    if setting.kind is Kind.SECRET:
        parts.append(
            gettext("Something is stored and never shown: leave this empty to keep it.") if stored else ""
        )
    else:
        parts.append(gettext("Default: %(value)s.", value=setting.in_words(setting.default)))
    return " ".join(str(part) for part in parts if part)
