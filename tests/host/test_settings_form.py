"""The form made from a plugin's settings, for every type that one may have."""

from datetime import date, timedelta
from enum import StrEnum
from typing import Literal

import pytest
from flask import Flask
from flask_wtf import FlaskForm
from pydantic import Field, SecretStr, ValidationError
from werkzeug.datastructures import MultiDict

from backoffice.console import settings_form
from backoffice.host import sentences
from backoffice.host.fields import settings_in
from backoffice.language.spoken import speaking
from backoffice.language.texts import lazy
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
    domains: tuple[str, ...] = Field(("a.example", "b.example"), max_length=3)
    pause: timedelta = Field(
        timedelta(hours=2),
        ge=timedelta(minutes=30),
        le=timedelta(hours=6),
        json_schema_extra={"unit": "hours"},
    )
    since: date = Field(date(2027, 3, 1), ge=date(2026, 1, 1))
    limit: int | None = Field(None, ge=1)
    token: SecretStr = Field(SecretStr(""), max_length=40)


def filled(app: Flask, **fields: str) -> FlaskForm:
    with app.test_request_context(method="POST"):
        form = settings_form.form_class(Settings)(formdata=MultiDict(fields), meta={"csrf": False})
        form.validate()
        return form


def as_set(app: Flask, **fields: str) -> Settings:
    """What comes of a form; of a secret, nothing is kept."""
    form = filled(app, **fields)
    assert form.errors == {}
    return Settings.model_validate(settings_form.values_of(Settings, form))


def form_as_it_stands(app: Flask, settings: PluginSettings | None = None) -> FlaskForm:
    """As the page first shows it, over what is set."""
    with app.test_request_context():
        data = settings_form.filled(Settings, settings or Settings(), seen="x")
        return settings_form.form_class(Settings)(data=data)


GOOD = {
    "days": "7", "share": "0.25", "greeting": "Hi", "pace": "very_fast", "colour": "blue", "weeks": "4",
    "domains": " c.example \r\n\r\nd.example\r\n", "pause": "1.5", "since": "2026-02-03", "limit": " 5 ",
    "token": "s3cret",
}  # fmt: skip


def test_what_was_filled_in_is_what_is_set(app: Flask) -> None:
    assert as_set(app, **GOOD) == Settings(
        days=7,
        share=0.25,
        loud=False,
        greeting="Hi",
        pace=Pace.VERY_FAST,
        colour="blue",
        weeks=4,
        domains=("c.example", "d.example"),
        pause=timedelta(minutes=90),
        since=date(2026, 2, 3),
        limit=5,
        token=SecretStr("s3cret"),
    )
    assert as_set(app, **GOOD | {"limit": "", "domains": ""}).limit is None


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [("days", "0", "From 1 to 90 days."), ("days", "91", "From 1 to 90 days."),
     ("days", "many", "Write a whole number, such as 7."), ("days", "", "Write a whole number, such as 7."),
     ("days", "1.5", "Write a whole number, such as 7."), ("days", "9" * 40, "From 1 to 90 days."),
     ("share", "1.5", "From 0 to 1."), ("share", "nan", "Write a number, such as 0.5."),
     ("greeting", "x" * 21, "At most 20 letters."), ("pace", "backwards", "Choose one of these."),
     ("colour", "red", "Choose one of these."), ("weeks", "3", "Choose one of these."),
     ("weeks", "many", "Choose one of these."), ("domains", "a\nb\nc\nd", "At most 3 lines."),
     ("pause", "7", "From 0.5 to 6 hours."), ("pause", "long", "Write a number, such as 7."),
     ("pause", "1e999", "Write a number, such as 7."),
     ("since", "yesterday", "Write a day, such as 2027-03-01."),
     ("since", "2025-12-31", "At least 1 January 2026."),
     ("limit", "0", "At least 1."), ("token", "x" * 41, "At most 40 letters.")],
)  # fmt: skip
def test_what_cannot_be_is_told_beside_its_field(app: Flask, field: str, value: str, sentence: str) -> None:
    form = filled(app, **GOOD | {field: value})
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate(settings_form.values_of(Settings, form))
    assert sentences.by_field(Settings, refused.value) == {field: sentence}


class Emptied(PluginSettings):
    """What may be nothing, and is something as it was installed."""

    most: int | None = Field(5, ge=1)
    share: float | None = 0.5
    until: date | None = date(2027, 3, 1)
    pause: timedelta | None = timedelta(hours=2)
    name: str | None = "Hello"


def test_what_may_be_nothing_can_be_emptied_whatever_its_default(app: Flask) -> None:
    with app.test_request_context(method="POST"):
        sent = MultiDict(dict.fromkeys(Emptied.model_fields, ""))
        form = settings_form.form_class(Emptied)(formdata=sent, meta={"csrf": False})
    found = Emptied.model_validate(settings_form.values_of(Emptied, form))
    assert found == Emptied(most=None, share=None, until=None, pause=None, name="")


def test_a_secret_that_was_not_saved_is_asked_for_again(app: Flask) -> None:
    said = "Type it again: it was not saved."
    form = filled(app, **GOOD)
    settings_form.ask_again(Settings, form)
    assert form.errors == {"token": [said]}
    assert "s3cret" not in form["token"]()
    form = filled(app, **GOOD | {"token": ""})
    settings_form.ask_again(Settings, form)
    assert form.errors == {}


def test_titles_units_limits_and_defaults_are_told(app: Flask) -> None:
    form = form_as_it_stands(app)
    helps = {row.setting.name: row.help for row in settings_form.rows(Settings, form, Settings())}
    assert form["days"].label.text == "Days kept"
    assert helps["days"] == "From 1 to 90 days. Default: 30 days."
    assert helps["loud"] == "Says everything twice. Default: yes."
    assert helps["domains"] == "A line for each. At most 3 lines. Default: a.example, b.example."
    assert helps["pause"] == "From 0.5 to 6 hours. Default: 2 hours."
    assert helps["limit"] == "At least 1. Default: empty."
    offered = [(choice.value, choice.label) for choice in form["pace"].choices]
    assert '<option selected value="2">2</option>' in form["weeks"]()
    assert offered == [("slow", "Slow"), ("very_fast", "Very fast")]
    assert 'type="number"' in form["pause"]()
    assert 'type="date"' in form["since"]()


def test_what_is_not_the_default_is_marked_in_what_holds_and_in_what_is_typed(app: Flask) -> None:
    set_so = Settings(days=7, domains=("a.example",), token=SecretStr("s3cret"))
    form = form_as_it_stands(app, set_so)
    changed = [row.setting.name for row in settings_form.rows(Settings, form, set_so) if row.changed]
    assert changed == ["days", "domains", "token"]
    typed = filled(app, days="30", domains="a.example\r\nb.example", loud="y", share="0.7")
    changed = [row.setting.name for row in settings_form.rows(Settings, typed, Settings()) if row.changed]
    assert "share" in changed
    assert not {"days", "domains", "loud"} & set(changed)


def test_each_field_goes_back_to_its_default_and_leaves_what_else_was_typed(app: Flask) -> None:
    for wanted, expected in (
        ("days", Settings(**_typed() | {"days": 30})),
        ("loud", Settings(**_typed() | {"loud": True})),
        ("domains", Settings(**_typed() | {"domains": Settings().domains})),
        ("pause", Settings(**_typed() | {"pause": timedelta(hours=2)})),
        ("limit", Settings(**_typed() | {"limit": None})),
        (settings_form.ALL, Settings(token=SecretStr("s3cret"))),
    ):
        sent = settings_form.with_defaults(Settings, MultiDict({**GOOD, settings_form.RESET: wanted}))
        values = {name: sent[name] for name in sent}
        found = as_set(app, **values | {"token": "s3cret"})
        assert found == expected, wanted


def _typed() -> dict[str, object]:
    return {
        "days": 7, "share": 0.25, "loud": False, "greeting": "Hi", "pace": "very_fast", "colour": "blue",
        "weeks": 4, "domains": ("c.example", "d.example"), "pause": timedelta(minutes=90),
        "since": date(2026, 2, 3), "limit": 5, "token": "s3cret",
    }  # fmt: skip


def test_a_secret_is_never_shown_and_stays_unless_it_is_replaced_or_forgotten(app: Flask) -> None:
    set_so = Settings(token=SecretStr("s3cret"))
    form = form_as_it_stands(app, set_so)
    row = next(row for row in settings_form.rows(Settings, form, set_so) if row.setting.name == "token")
    assert "s3cret" not in form["token"]() + row.help + row.default
    assert row.forget is not None
    assert settings_form.shown(Settings, set_so)[-1]["value"] == "stored"
    assert settings_form.kept(Settings, filled(app, **GOOD | {"token": ""})) == ["token"]
    assert settings_form.kept(Settings, filled(app, **GOOD)) == []
    forgotten = filled(app, **GOOD | {"token": "", "forget_token": "y"})
    assert settings_form.kept(Settings, forgotten) == []
    assert "token" not in settings_form.values_of(Settings, forgotten)


def test_what_is_set_is_shown_in_words() -> None:
    rows = settings_form.shown(Settings, Settings(days=7, pause=timedelta(hours=1)))
    assert [(row["title"], row["value"], row["is_default"]) for row in rows[:4]] == [
        ("Days kept", "7 days", False),
        ("Share", "0.5", True),
        ("Loud", "yes", True),
        ("Greeting", "Hello", True),
    ]
    said = {row["title"]: row["value"] for row in rows}
    assert (said["Pause"], said["Since"], said["Limit"]) == ("1 hour", "1 March 2027", "empty")


def test_a_choice_is_called_as_its_setting_says(app: Flask) -> None:
    class Sorted(PluginSettings):
        """In an order."""

        order: Literal["asc", "desc"] = Field(
            "asc", json_schema_extra={"words": {"asc": lazy("Next row"), "desc": lazy("Previous row")}}
        )

    with app.test_request_context(), speaking("es"):
        form = settings_form.form_class(Sorted)()
        assert [str(choice.label) for choice in form["order"].choices] == ["Fila siguiente", "Fila anterior"]
        assert settings_form.shown(Sorted, Sorted())[0]["value"] == "Fila siguiente"


def test_a_secret_can_be_forgotten_whatever_language_is_spoken(app: Flask) -> None:
    set_so = Settings(token=SecretStr("s3cret"))
    with speaking("es"):
        form = form_as_it_stands(app, set_so)
        rows = {row.setting.name: row for row in settings_form.rows(Settings, form, set_so)}
    assert rows["token"].forget is not None


def test_a_type_without_a_field_is_refused() -> None:
    class Odd(PluginSettings):
        """Nobody can type a set."""

        names: frozenset[str] = frozenset()

    class Vague(PluginSettings):
        """An hour of what?"""

        pause: timedelta = Field(timedelta(1), json_schema_extra={"unit": "fortnights"})

    for model, name in ((Odd, "names"), (Vague, "fortnights")):
        with pytest.raises(TypeError, match=name):
            settings_form.form_class(model)


def test_every_installed_plugin_can_be_set(runtime: Runtime) -> None:
    plugins: list[Plugin] = [plugin for plugin in runtime.plugins if plugin.settings]
    for plugin in plugins:
        assert plugin.settings is not None
        assert settings_in(plugin.settings)


def test_a_length_of_time_is_shown_with_all_its_digits() -> None:
    """What is shown is what a form that is saved again sends."""
    field = settings_in(Settings)["pause"]
    seconds = 3600 + 1234567 / 1e6
    assert timedelta(hours=float(field.typed(timedelta(seconds=seconds)))) == timedelta(seconds=seconds)
    assert field.typed(timedelta(hours=2)) == "2"
