"""The form made from a plugin's settings."""

from enum import StrEnum
from typing import Literal

import pytest
from flask import Flask
from flask_wtf import FlaskForm
from pydantic import Field
from werkzeug.datastructures import MultiDict

from backoffice.console import settings_form
from backoffice.plugin import Plugin, PluginSettings
from backoffice.runtime import Runtime


class Pace(StrEnum):
    SLOW = "slow"
    VERY_FAST = "very_fast"


class Settings(PluginSettings):
    """One field of every type."""

    days: int = Field(30, gt=0, lt=91, title="Days kept", json_schema_extra={"unit": "days"})
    share: float = Field(0.5, ge=0, le=1)
    loud: bool = Field(True, description="Says everything twice.")
    greeting: str = Field("Hello", max_length=20)
    pace: Pace = Pace.SLOW
    colour: Literal["green", "blue"] = "green"
    weeks: Literal[1, 2, 4] = 2


def filled(app: Flask, **fields: str) -> FlaskForm:
    with app.test_request_context(method="POST"):
        form = settings_form.form_class(Settings)(formdata=MultiDict(fields), meta={"csrf": False})
        form.validate()
        return form


def form_as_it_stands(app: Flask) -> FlaskForm:
    """As the page first shows it, over what is set."""
    with app.test_request_context():
        return settings_form.form_class(Settings)(data=Settings().model_dump(mode="json"))


GOOD = {"days": "7", "share": "0.25", "greeting": "Hi", "pace": "very_fast", "colour": "blue", "weeks": "4"}


def test_what_was_filled_in_is_what_is_set(app: Flask) -> None:
    form = filled(app, **GOOD)
    assert form.errors == {}
    values = settings_form.values_of(Settings, form)
    assert Settings.model_validate(values) == Settings(
        days=7, share=0.25, loud=False, greeting="Hi", pace=Pace.VERY_FAST, colour="blue", weeks=4
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [("days", "0"), ("days", "91"), ("days", "many"), ("days", ""), ("share", "1.5"), ("greeting", "x" * 21),
     ("pace", "backwards"), ("colour", "red"), ("weeks", "3"), ("weeks", "many")],
)  # fmt: skip
def test_what_cannot_be_is_told_beside_its_field(app: Flask, field: str, value: str) -> None:
    assert list(filled(app, **(GOOD | {field: value})).errors) == [field]


def test_titles_units_limits_and_defaults_are_told(app: Flask) -> None:
    form = filled(app)
    assert form["days"].label.text == "Days kept"
    assert form["days"].description == "From 1 to 90 days. Default: 30 days."
    assert form["loud"].description == "Says everything twice. Default: yes."
    offered = [(choice.value, choice.label) for choice in form["pace"].choices]
    assert '<option selected value="2">2</option>' in form_as_it_stands(app)["weeks"]()
    assert offered == [("slow", "Slow"), ("very_fast", "Very fast")]


def test_what_is_set_is_shown_in_words() -> None:
    rows = settings_form.shown(Settings, Settings(days=7))
    assert [(row["title"], row["value"], row["is_default"]) for row in rows[:4]] == [
        ("Days kept", "7 days", False),
        ("Share", "0.5", True),
        ("Loud", "yes", True),
        ("Greeting", "Hello", True),
    ]


def test_a_type_without_a_field_is_refused() -> None:
    class Odd(PluginSettings):
        """Nobody can type a set."""

        names: frozenset[str] = frozenset()

    with pytest.raises(TypeError, match="names"):
        settings_form.form_class(Odd)


def test_every_installed_plugin_can_be_set(runtime: Runtime) -> None:
    plugins: list[Plugin] = [plugin for plugin in runtime.plugins if plugin.settings]
    for plugin in plugins:
        assert plugin.settings is not None
        assert settings_form.form_class(plugin.settings)
