"""Fields of a school's own: leaders make, change and delete them, and in a school of one's own its owner."""

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from flask import flash, redirect
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, HiddenField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from backoffice.access.permissions import FIELDS_MANAGE
from backoffice.access.seen import version
from backoffice.console.command import Command
from backoffice.console.grid import moment
from backoffice.console.guard import GuardedView
from backoffice.console.listed import listed
from backoffice.console.overtaken import not_over_others
from backoffice.console.school_of import ask_of_which, school_of
from backoffice.fields import queries, services
from backoffice.fields.models import LONGEST_KEPT, CustomField, FieldKind, FieldSubject
from backoffice.fields.services import LONGEST_NAME, LONGEST_NEED, LONGEST_PURPOSE, Wanted
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.problems import Rejected
from backoffice.schools.models import School
from backoffice.schools.queries import names_of, school_public_id
from backoffice.web.identity import done_reading, reading
from backoffice.web.rejections import show_rejection
from backoffice.web.resend import shows_what_was_typed

HERE = "/console/fields/"
RELATION = "school-with-fields"
MOST_RECEIPTS = 50
SUBJECT_NAMES = {
    FieldSubject.STUDENT: lazy("Students"),
    FieldSubject.CLASSROOM: lazy("Classes"),
}
KIND_NAMES = {
    FieldKind.TEXT: lazy("Text"),
    FieldKind.NUMBER: lazy("Number"),
    FieldKind.CHOICE: lazy("Choice"),
    FieldKind.DATE: lazy("Date"),
    FieldKind.YES_NO: lazy("Yes or no"),
}


class FieldForm(FlaskForm):
    """What a field is. Judged by `fields.services`; `seen` is the `version` of what was shown."""

    seen = HiddenField()
    name = StringField(
        lazy("Name"),
        [DataRequired(services.NO_NAME), Length(max=LONGEST_NAME)],
        description=lazy("As it stands above a column, such as “Bus line”."),
    )
    purpose = TextAreaField(
        lazy("What you need it for"),
        [DataRequired(services.NO_PURPOSE), Length(max=LONGEST_PURPOSE)],
        description=lazy("A sentence. It stands in the data inventory of the school."),
    )
    keep_days = IntegerField(
        lazy("How many days a value is kept"),
        [InputRequired(services.NO_DAYS), NumberRange(1, LONGEST_KEPT, services.NO_DAYS)],
        description=lazy("Counted from when it was last written; then it is erased. 365 is a year."),
    )
    choices = TextAreaField(lazy("What can be chosen"), description=lazy("For a choice alone: one a line."))
    needed = BooleanField(lazy("We need this and have told families"))
    need = TextAreaField(
        lazy("Why the school cannot do without it"),
        [Length(max=LONGEST_NEED)],
        description=lazy("It stays with the field, and in the trail."),
    )

    @property
    def asks(self) -> bool:
        """Whether a word has been met that has to be confirmed."""
        return bool(self.needed.errors or self.need.errors or self.needed.data)

    @property
    def wanted(self) -> Wanted:
        """What was written."""
        return Wanted(
            self.name.data or "",
            self.purpose.data or "",
            self.keep_days.data,
            tuple((self.choices.data or "").splitlines()),
            bool(self.needed.data),
            self.need.data or "",
        )


class NewFieldForm(FieldForm):
    """A new field: of what, and what can be written in it. Neither changes later."""

    subject = SelectField(
        lazy("Of"), choices=[SelectChoice(each.value, name) for each, name in SUBJECT_NAMES.items()]
    )
    kind = SelectField(
        lazy("What is written in it"),
        choices=[SelectChoice(each.value, name) for each, name in KIND_NAMES.items()],
    )


class EraseFieldForm(FlaskForm):
    """The field that is deleted, typed as it is called."""

    typed = StringField(lazy("Its name, to confirm"), [DataRequired(lazy("Type what it is called."))])


class FieldsPage(GuardedView):
    """The fields that a school has of its own."""

    doors: ClassVar = {
        "index": FIELDS_MANAGE,
        "make": FIELDS_MANAGE,
        "change": FIELDS_MANAGE,
        "erase": FIELDS_MANAGE,
        "receipt": FIELDS_MANAGE,
    }
    fresh = frozenset({"erase"})
    title = lazy("Fields")
    category = lazy("School")
    address = "fields"
    icon = "clipboard"
    commands = (
        Command(lazy("See the school's own fields"), "index", "fields/", also=lazy("custom column property")),
        Command(lazy("Make a field"), "make", "fields/new", also=lazy("custom column property")),
    )

    @expose("/", methods=("GET", "POST"))
    def index(self) -> str | Response | tuple[str, int]:
        """The fields of one school, and what was deleted."""
        school = school_of(RELATION)
        if school is None:
            return self._of_which()
        tx, zone = reading(), ZoneInfo(self.who.time_zone)
        fields = queries.fields_of(tx, school.id)
        gone = queries.erased_of(tx, school.id, most=MOST_RECEIPTS)
        groups = [
            (name, [_shown(each) for each in fields if each.subject == subject])
            for subject, name in SUBJECT_NAMES.items()
        ]
        return self.render(
            "console/fields.html",
            groups=groups,
            gone=[
                {
                    "url": f"{HERE}{each.public_id}/receipt",
                    "number": each.public_id,
                    "at": moment(each.erased_at, zone),
                    "values": _values(each.values_gone or 0),
                }
                for each in gone
                if each.erased_at
            ],
            school=school.name,
            new_url=f"{HERE}new?school={school.public_id}",
            crumbs=[{"title": self.title}],
        )

    @expose("/new", methods=("GET", "POST"))
    @shows_what_was_typed
    def make(self) -> str | Response | tuple[str, int]:
        """A new field."""
        school = school_of(RELATION)
        if school is None:
            return self._of_which()
        form, back = NewFieldForm(), url_of(school)

        def save() -> str:
            services.make_field(
                principal=self.who,
                school=school.public_id,
                subject=FieldSubject(form.subject.data),
                kind=FieldKind(form.kind.data),
                wanted=form.wanted,
            )
            return back

        return self.form_page(
            form,
            save=save,
            said=gettext("The field is there. It stands on the page of each student or class."),
            template="console/field.html",
            heading=gettext("Make a field"),
            intro=gettext(
                "Ask for as little as you can. Parents may ask for what is written about their child."
            ),
            first=["subject", "kind"],
            with_choices=True,
            cancel_url=back,
            crumbs=[{"title": self.title, "url": back}, {"title": gettext("Make a field")}],
        )

    @expose("/<custom_field:public_id>", methods=("GET", "POST"))
    @shows_what_was_typed
    def change(self, public_id: str) -> str | Response | tuple[str, int]:
        """What a field is called, what for, how long its values are kept, and what can be chosen."""
        tx = reading()
        row = queries.field_to_manage(tx, public_id)
        back = _back(row)
        form = FieldForm(
            name=row.name,
            purpose=row.purpose,
            keep_days=row.keep_days,
            choices="\n".join(row.choices or ()),
        )
        if not form.is_submitted():
            form.seen.data = version(*services.shown(row))

        def now() -> tuple[str, str]:
            again = reading()
            again.expunge_all()
            there = queries.field_to_manage(again, public_id)
            return listed(services.shown(there)), version(*services.shown(there))

        def save() -> str:
            with not_over_others(form.seen, now):
                services.change_field(
                    principal=self.who, field=public_id, wanted=form.wanted, seen=form.seen.data or None
                )
            return back

        return self.form_page(
            form,
            save=save,
            said=gettext("Saved. What is written in it goes by the new time."),
            template="console/field.html",
            heading=gettext("Change a field"),
            intro=f"{SUBJECT_NAMES[FieldSubject(row.subject)]}: {KIND_NAMES[FieldKind(row.kind)]}",
            first=[],
            with_choices=row.kind == FieldKind.CHOICE,
            erase_url=f"{HERE}{public_id}/erase",
            need=row.need,
            cancel_url=back,
            crumbs=[{"title": self.title, "url": back}, {"title": row.name or ""}],
        )

    @expose("/<custom_field:public_id>/erase", methods=("GET", "POST"))
    def erase(self, public_id: str) -> str | Response | tuple[str, int]:
        """Say how much goes; when its name is typed, delete the field with all of that."""
        tx = reading()
        row = queries.field_to_manage(tx, public_id)
        count, own = queries.count_values(tx, row), f"{HERE}{public_id}"
        form, problem = EraseFieldForm(), None
        if form.validate_on_submit():
            done_reading()
            try:
                services.erase_field(principal=self.who, field=public_id, typed=form.typed.data or "")
            except Rejected as rejected:
                problem = show_rejection(form, rejected)
            else:
                flash(gettext("The field is deleted, with all that was written in it."), "success")
                return redirect(f"{own}/receipt", 303)
        page = self.render(
            "console/field_erase.html",
            form=form,
            problem=problem,
            called=row.name,
            values=_values(count),
            url=own,
            crumbs=[
                {"title": self.title, "url": _back(row)},
                {"title": row.name or "", "url": own},
                {"title": gettext("Delete for good")},
            ],
        )
        return (page, 422) if form.errors or problem else page

    @expose("/<field_receipt:public_id>/receipt", methods=("GET",))
    def receipt(self, public_id: str) -> str:
        """What is left of a field that was deleted."""
        tx = reading()
        row = queries.field_to_manage(tx, public_id, erased=True)
        assert row.erased_at is not None
        people = names_of(tx, {row.erased_by} if row.erased_by else set())
        return self.render(
            "console/field_receipt.html",
            receipt={
                "number": row.public_id,
                "of": SUBJECT_NAMES[FieldSubject(row.subject)],
                "kind": KIND_NAMES[FieldKind(row.kind)],
                "gone": amount(row.values_gone or 0),
                "at": moment(row.erased_at, ZoneInfo(self.who.time_zone)),
                "by": people.get(row.erased_by or 0),
            },
            crumbs=[{"title": self.title, "url": _back(row)}, {"title": gettext("Receipt")}],
        )

    def _of_which(self) -> str | Response | tuple[str, int]:
        return ask_of_which(
            self,
            RELATION,
            nobodys={
                "title": gettext("A leader of your school makes its fields"),
                "sentence": gettext("In a school of your own you do it yourself."),
            },
        )


def url_of(school: School) -> str:
    """Where the fields of a school are."""
    return f"{HERE}?school={school.public_id}"


def _back(row: CustomField) -> str:
    return f"{HERE}?school={school_public_id(reading(), row.school_id, FIELDS_MANAGE)}"


def _shown(row: CustomField) -> dict[str, Any]:
    return {
        "url": f"{HERE}{row.public_id}",
        "name": row.name,
        "purpose": row.purpose,
        "kind": KIND_NAMES[FieldKind(row.kind)],
        "days": days(row.keep_days),
        "choices": listed(row.choices) if row.choices else None,
        "confirmed": row.confirmed_at is not None,
    }


def days(count: int) -> str:
    """A number of days in words."""
    return ngettext("%(count)s day", "%(count)s days", count, count=amount(count))


def _values(count: int) -> str:
    return ngettext("%(count)s value", "%(count)s values", count, count=amount(count))
