"""What is wrong with a setting, as a sentence that says what to do. Never the value."""

from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from backoffice.host.fields import Kind, Setting, settings_in
from backoffice.language.texts import gettext, lazy
from backoffice.plugin import PluginSettings

_ASKED = {
    Kind.FLAG: lazy("Choose yes or no."),
    Kind.WHOLE: lazy("Write a whole number, such as 7."),
    Kind.NUMBER: lazy("Write a number, such as 0.5."),
    Kind.TEXT: lazy("Write a text."),
    Kind.CHOICE: lazy("Choose one of these."),
    Kind.LINES: lazy("Write a line for each."),
    Kind.LENGTH: lazy("Write a number, such as 7."),
    Kind.DAY: lazy("Write a day, such as 2027-03-01."),
    Kind.SECRET: lazy("Write a text."),
}
_OUT_OF_LIMITS = frozenset(
    {
        "greater_than",
        "greater_than_equal",
        "less_than",
        "less_than_equal",
        "string_too_short",
        "string_too_long",
        "too_short",
        "too_long",
    }
)


def by_field(model: type[PluginSettings], error: ValidationError) -> dict[str, str]:
    """The sentences for each field; under "" what belongs to none and stands for the whole form."""
    known = settings_in(model)
    found: dict[str, list[str]] = {}
    for each in error.errors(include_url=False, include_input=False):
        field = str(each["loc"][0]) if each["loc"] else ""
        sentence = _sentence(each, known.get(field))
        if sentence not in found.setdefault(field, []):
            found[field].append(sentence)
    return {field: " ".join(map(str, sentences)) for field, sentences in found.items()}


def _sentence(error: ErrorDetails, setting: Setting | None) -> str:
    own: Mapping[str, object] = error.get("ctx") or {}
    if error["type"] in {"value_error", "assertion_error"} and "error" in own:
        # The plugin's own words.
        return f"{str(own['error']).rstrip('.')}."
    if setting is None:
        return (
            gettext("This is no setting of this plugin.")
            if error["type"] == "extra_forbidden"
            else _plain(error)
        )
    if error["type"] in _OUT_OF_LIMITS and len(error["loc"]) == 1:
        limits = setting.limits()
        return f"{limits[:1].upper()}{limits[1:]}" if limits else _ASKED[setting.kind]
    if error["type"] == "string_pattern_mismatch":
        return gettext("This is not written as it has to be. What it says above tells how.")
    return _ASKED[setting.kind]


def _plain(error: ErrorDetails) -> str:
    return f"{error['msg'].rstrip('.')}."
