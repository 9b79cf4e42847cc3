"""Cells that can be changed where they stand, as a column declares them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, IntegerField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from backoffice.access.permissions import Permission
from backoffice.access.seen import version
from backoffice.language.texts import lazy

# What the form of a cell, and the address of the list that it goes back to, say themselves.
TAKEN = frozenset({"seen", "part", "sort", "columns", "before", "after", "q", "view", "csrf_token"})


@dataclass(frozen=True, eq=False)
class Entry:
    """One field of a cell's form. `name` is the attribute of the row, and what a service rejects it by.

    `required` is said where nothing is written; without it the field may stay empty. Of a number, `least` and
    `most` bound it; of text, `most` its letters.
    """

    name: str
    title: str
    kind: Literal["text", "choice", "number"] = "text"
    required: str | None = None
    least: int | None = None
    most: int | None = None
    # Value and words of each choice.
    choices: tuple[tuple[str, str], ...] = ()
    help: str = ""

    def field(self) -> Any:
        """The field of a form."""
        said: dict[str, Any] = {"label": self.title, "description": self.help}
        rules: list[Any] = [DataRequired(self.required) if self.required else Optional()]
        if self.kind == "choice":
            choices = [SelectChoice(value, words) for value, words in (("", lazy("Choose")), *self.choices)]
            return SelectField(**said, choices=choices, validators=rules)
        if self.kind == "number":
            # Nought is a number, and no data.
            rules = [InputRequired(self.required)] if self.required else rules
            return IntegerField(**said, validators=[*rules, NumberRange(self.least, self.most)])
        if self.most is not None:
            rules.append(Length(max=self.most))
        return StringField(**said, validators=rules)


@dataclass(frozen=True, eq=False)
class Edit:
    """That the cells of a column can be changed, by whom, and what does it.

    The form's fields are the `entries`. `run` names the grid's method that calls the service: it is given the
    row's public identifier, what was written by the entries' names, and the `version` of the values that was
    shown, which the service compares with those of now. `by` names one that says who changed a row last.
    """

    permission: Permission
    # What is done, as a heading says it: "Rename a class".
    title: str
    entries: tuple[Entry, ...]
    run: str
    by: str | None = None

    @property
    def names(self) -> frozenset[str]:
        """The names of the entries."""
        return frozenset(each.name for each in self.entries)

    @cached_property
    def form(self) -> type[FlaskForm]:
        """The form of one cell."""
        fields: dict[str, Any] = {each.name: each.field() for each in self.entries}
        fields["seen"] = HiddenField(validators=[InputRequired(lazy("Load the page again."))])
        return type("CellForm", (FlaskForm,), fields)

    def version_of(self, thing: Any) -> str:
        """What of a row its cell shows, as one word."""
        return version(*(getattr(thing, each.name) for each in self.entries))

    def written(self, form: FlaskForm) -> Mapping[str, Any]:
        """What somebody wrote, by the entries' names."""
        found: Mapping[str, Field] = form._fields
        return {each.name: found[each.name].data for each in self.entries}
