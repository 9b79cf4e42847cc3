"""What fields of a school's own say of a student or a class: shown on its page, and changed in a form."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older
from wtforms.validators import Length

from backoffice.access.transaction import Transaction
from backoffice.console.listed import listed
from backoffice.console.overtaken import not_over_others
from backoffice.fields import queries, values
from backoffice.fields.models import CustomField, FieldKind, FieldSubject
from backoffice.fields.services import PREFIX, seen_of
from backoffice.language.texts import gettext
from backoffice.web.identity import reading


class OwnValue(NamedTuple):
    """One field in the words of a page; `value` is None where nothing is written."""

    name: str
    purpose: str
    value: str | None


class OwnValues(NamedTuple):
    """The fields of one student or class, and what is written in them, by their numbers."""

    fields: Sequence[CustomField]
    there: Mapping[int, str]

    @property
    def shown(self) -> list[OwnValue]:
        """As a page shows them."""
        return [
            OwnValue(each.name or "", each.purpose or "", said(each, self.there.get(each.id)))
            for each in self.fields
        ]

    @property
    def seen(self) -> str:
        """The `version` of what is written."""
        return seen_of(self.fields, self.there)

    @property
    def words(self) -> str:
        """All of it in a sentence, for who was overtaken."""
        return listed([f"{each.name}: {each.value or gettext('nothing')}" for each in self.shown])

    def form(self) -> FlaskForm:
        """A form with a field for each, filled with what is written."""
        inputs: dict[str, Any] = {"seen": HiddenField()}
        inputs |= {key(each): _input(each) for each in self.fields}
        form: type[FlaskForm] = type("OwnFieldsForm", (FlaskForm,), inputs)
        filled = form(data={key(each): self.there.get(each.id, "") for each in self.fields})
        if not filled.is_submitted():
            filled["seen"].data = self.seen
        return filled

    def written(self, form: FlaskForm) -> dict[str, str]:
        """What somebody wrote in it, by the public identifiers of the fields."""
        return {each.public_id: form[key(each)].data or "" for each in self.fields}


def own_values(tx: Transaction, subject: FieldSubject, thing: Any) -> OwnValues:
    """The fields that the school of a student or class has, and what is written in them; two statements."""
    fields = queries.fields_of(tx, thing.school_id, subject)
    there = queries.values_of(tx, subject, [thing]) if fields else {}
    return OwnValues(fields, queries.written_in(there, thing.id))


def write(
    subject: FieldSubject, thing: Any, own: OwnValues, form: FlaskForm, writing: Callable[..., None]
) -> None:
    """Have `writing` write what somebody typed, unless it would go over what others wrote meanwhile."""

    def now() -> tuple[str, str]:
        there = own_values(reading(), subject, thing)
        return there.words, there.seen

    with not_over_others(form["seen"], now):
        writing(written=own.written(form), seen=form["seen"].data or None)


def key(field: CustomField) -> str:
    """What a field is called in forms and addresses."""
    return f"{PREFIX}{field.public_id}"


def said(field: CustomField, value: str | None) -> str | None:
    """A value as people read it."""
    return None if value is None else values.shown(FieldKind(field.kind), value)


def _input(field: CustomField) -> Any:
    """One input. What is written is judged by the service, in the words of the field."""
    label, help_ = field.name or "", field.purpose or ""
    match FieldKind(field.kind):
        case FieldKind.CHOICE:
            return _select(label, help_, [(each, each) for each in field.choices or ()])
        case FieldKind.YES_NO:
            return _select(label, help_, list(values.SAID.items()))
        case FieldKind.DATE:
            return StringField(label, description=help_, render_kw={"type": "date"})
        case FieldKind.NUMBER:
            return StringField(label, description=help_, render_kw={"inputmode": "decimal"})
        case FieldKind.TEXT:
            return StringField(label, [Length(max=values.LONGEST_TEXT)], description=help_)


def _select(label: str, help_: str, choices: Sequence[tuple[str, str]]) -> SelectField:
    options = [SelectChoice("", gettext("Nothing")), *(SelectChoice(*each) for each in choices)]
    return SelectField(label, description=help_, choices=options, validate_choice=False)


def section(own: OwnValues, url: str | None) -> dict[str, Any]:
    """What `parts/own_fields.html` shows; `url` is where it is changed, if it may be."""
    # Whoever may not fill it in may not read all either: what is hidden from them is not "not given".
    return {"values": [each for each in own.shown if url or each.value is not None], "url": url}
