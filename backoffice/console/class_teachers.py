"""Who teaches a class: giving a colleague a role, inviting one by mail, changing, ending, leaving."""

from typing import Any

from flask import flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older
from wtforms.validators import DataRequired, Length

from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import TEACHERS_ASSIGN, TEACHERS_READ
from backoffice.access.policy import can
from backoffice.accounts.addresses import LONGEST as LONGEST_ADDRESS
from backoffice.accounts.services.newcomers import LONGEST_NAME as LONGEST_PERSON
from backoffice.accounts.services.newcomers import NOBODY_NAMED
from backoffice.console.class_page import CRUMB, ClassPage
from backoffice.console.command import Command
from backoffice.console.forms import ConfirmForm
from backoffice.console.invitations import state_cell
from backoffice.console.room import full
from backoffice.entitlements import Entitlement
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected, Throttled
from backoffice.schools.models import Classroom, TeachingRoleName
from backoffice.schools.source_queries import comes_from_source
from backoffice.staff.models import InvitedAs
from backoffice.staff.services import class_roles, invitations
from backoffice.web.identity import done_reading, reading, settings
from backoffice.web.resend import shows_what_was_typed

ROLES = {
    TeachingRoleName.OWNER: (
        lazy("Owner"),
        lazy("All of the class: also its teachers, lists as files, and archiving."),
    ),
    TeachingRoleName.CO_TEACHER: (
        lazy("Co-teacher"),
        lazy("Students, points, PINs, cards and parents, as the owner."),
    ),
    TeachingRoleName.HELPER: (
        lazy("Helper"),
        lazy("Sees the class and awards points. No lists as files, no deleting."),
    ),
}
GIVEN = [(role.value, ROLES[role][0]) for role in class_roles.GIVEN]


class ClassInvitationForm(FlaskForm):
    """Whom the owner of a class invites, as what."""

    email = StringField(
        lazy("E-mail address"), [DataRequired(lazy("Write an e-mail address.")), Length(max=LONGEST_ADDRESS)]
    )
    name = StringField(
        lazy("Name"),
        [DataRequired(NOBODY_NAMED), Length(max=LONGEST_PERSON)],
        description=lazy("The mail begins with it. They can change it."),
    )
    role = SelectField(
        lazy("Invited as"),
        [DataRequired(lazy("Choose what they will be."))],
        choices=[SelectChoice(*each) for each in GIVEN],
    )


class ClassTeachers(ClassPage):
    """The teachers of a class. Everybody of the class sees them; owners and leaders choose them."""

    doors = {
        "teachers": TEACHERS_READ,
        "leave": TEACHERS_READ,
        "give": TEACHERS_ASSIGN,
        "change": TEACHERS_ASSIGN,
        "take": TEACHERS_ASSIGN,
        "invite": TEACHERS_ASSIGN,
        "again": TEACHERS_ASSIGN,
        "withdraw": TEACHERS_ASSIGN,
    }
    fresh = frozenset({"give", "change", "take", "invite"})
    title = lazy("Teachers")
    tail = "teachers"
    commands = (
        Command(lazy("Invite somebody to {name}"), "invite", "teachers/invite", also=lazy("teacher")),
        Command(lazy("Give a colleague a role in {name}"), "give", "teachers", page="teachers"),
    )
    page = "teachers"

    @expose("/<classroom:public_id>/teachers", methods=("GET",))
    def teachers(self, public_id: str) -> str:
        """Who teaches the class, and what can be done about it."""
        tx = reading()
        row = find(tx, Classroom, public_id, permission=TEACHERS_READ)
        assign = can(self.who, TEACHERS_ASSIGN, row)
        members = class_roles.members_of(tx, row)
        return self.class_page(
            "console/class_teachers.html",
            row,
            here=_own(public_id),
            members=[
                {
                    "public_id": each.public_id if assign else None,
                    "name": each.name,
                    "role": each.role.value,
                    "title": ROLES[each.role][0],
                    "own": each.own,
                    "fixed": not assign or (each.role is TeachingRoleName.OWNER and not each.spare),
                }
                for each in members
            ],
            may_leave=any(
                each.own and (each.role is not TeachingRoleName.OWNER or each.spare) for each in members
            ),
            roles=[(role.value, *words) for role, words in ROLES.items()],
            role_options=[(role.value, words[0]) for role, words in ROLES.items()],
            given=GIVEN,
            assign=assign,
            from_source=comes_from_source(tx, row),
            colleagues=class_roles.colleagues_for(tx, row) if assign else [],
            waiting=[
                {
                    "public_id": each.public_id,
                    "name": each.name,
                    "email": each.email,
                    "title": ROLES[TeachingRoleName(each.role)][0],
                    "state": state_cell(each),
                }
                for each in (invitations.invited_to(tx, row) if assign else ())
            ],
        )

    @expose("/<classroom:public_id>/teachers/give", methods=("POST",))
    def give(self, public_id: str) -> Response:
        """Give a colleague of the school a role."""
        return self._done(
            public_id,
            lambda: class_roles.give_role(
                principal=self.who,
                classroom=public_id,
                account=request.form.get("account", ""),
                role=_role(),
            ),
            gettext("Done. They are told by mail."),
        )

    @expose("/<classroom:public_id>/teachers/change", methods=("POST",))
    def change(self, public_id: str) -> Response:
        """Make somebody of the class something else in it."""
        return self._done(
            public_id,
            lambda: class_roles.change_role(
                principal=self.who,
                classroom=public_id,
                account=request.form.get("account", ""),
                role=_role(),
            ),
            gettext("Saved. They are told by mail."),
        )

    @expose("/<classroom:public_id>/teachers/take", methods=("POST",))
    def take(self, public_id: str) -> str | Response:
        """End somebody's role, after saying what that does."""
        tx = reading()
        row = find(tx, Classroom, public_id, permission=TEACHERS_ASSIGN)
        account = request.form.get("rowid", "")
        person = next((each for each in class_roles.members_of(tx, row) if each.public_id == account), None)
        if person is None:
            raise NotFound
        if ConfirmForm().validate_on_submit():
            return self._done(
                public_id,
                lambda: class_roles.take_role(principal=self.who, classroom=public_id, account=account),
                gettext("The role is ended. They are told by mail."),
            )
        return self._ask(
            row,
            gettext("End the role of %(person)s", person=person.name),
            [
                gettext(
                    "%(person)s does not see %(row)s any more, at once, and is told by mail.",
                    person=person.name,
                    row=row.name,
                ),
                gettext("Points and awards that they gave stay. You can give them a role again."),
            ],
            account=account,
        )

    @expose("/<classroom:public_id>/teachers/leave", methods=("GET", "POST"))
    def leave(self, public_id: str) -> str | Response:
        """Leave the class, after saying what that does."""
        row = find(reading(), Classroom, public_id, permission=TEACHERS_READ)
        form = ConfirmForm()
        if not form.validate_on_submit():
            sentences = [
                gettext("You do not see %(row)s any more, at once.", row=row.name),
                gettext(
                    "Points and awards that you gave stay. An owner of the class can give you a role again."
                ),
            ]
            return self._ask(row, gettext("Leave %(row)s", row=row.name), sentences)
        done_reading()
        try:
            class_roles.leave_class(principal=self.who, classroom=public_id)
        except Rejected as rejected:
            flash(str(rejected), "warning")
            return redirect(_own(public_id), 303)
        flash(gettext("You have left the class."), "success")
        return redirect("/console/", 303)

    @expose("/<classroom:public_id>/teachers/invite", methods=("GET", "POST"))
    @shows_what_was_typed
    def invite(self, public_id: str) -> str | Response | tuple[str, int]:
        """Invite somebody by mail."""
        row = find(reading(), Classroom, public_id, permission=TEACHERS_ASSIGN)
        form = ClassInvitationForm()

        def save() -> str:
            try:
                invitations.invite_to_class(
                    principal=self.who,
                    classroom=public_id,
                    email=form.email.data or "",
                    name=form.name.data or "",
                    role=InvitedAs(form.role.data),
                    throttles=settings().throttles,
                )
            except Throttled as throttled:
                raise Rejected(
                    email=gettext("This address was written to too often. %(wait)s", wait=throttled.sentence)
                ) from None
            return _own(public_id)

        return self.form_page(
            form,
            save=save,
            said=gettext("The invitation is on its way."),
            heading=gettext("Invite somebody to %(row)s", row=row.name),
            full=full(reading(), row.school_id, Entitlement.SEATS) if request.method == "GET" else None,
            intro=gettext(
                "They get a mail with a link that works once, for 14 days. They see this class only."
            ),
            submit_title=gettext("Send the invitation"),
            cancel_url=_own(public_id),
            crumbs=self._crumbs(row, gettext("Invite somebody")),
        )

    @expose("/<classroom:public_id>/teachers/again", methods=("POST",))
    def again(self, public_id: str) -> Response:
        """Mail an open invitation once more."""

        def send() -> None:
            try:
                invitations.send_again(
                    principal=self.who,
                    invitations=self._asked(public_id),
                    throttles=settings().throttles,
                    right=TEACHERS_ASSIGN,
                )
            except Throttled as throttled:
                raise Rejected.whole(
                    gettext("That was sent too often. %(wait)s", wait=throttled.sentence)
                ) from None

        return self._done(
            public_id, send, gettext("A new link is on its way. The old one has stopped working.")
        )

    @expose("/<classroom:public_id>/teachers/withdraw", methods=("POST",))
    def withdraw(self, public_id: str) -> Response:
        """Withdraw an open invitation."""
        return self._done(
            public_id,
            lambda: invitations.withdraw(
                principal=self.who, invitations=self._asked(public_id), right=TEACHERS_ASSIGN
            ),
            gettext("The invitation is withdrawn. Its link has stopped working."),
        )

    def _asked(self, public_id: str) -> list[str]:
        """The invitation of the form, if it is one to this class."""
        row = find(reading(), Classroom, public_id, permission=TEACHERS_ASSIGN)
        chosen = request.form.get("invitation")
        found = [each.public_id for each in invitations.invited_to(reading(), row)]
        done_reading()
        return [each for each in found if each == chosen]

    def _done(self, public_id: str, do: Any, said: str) -> Response:
        done_reading()
        try:
            do()
        except Rejected as rejected:
            flash(str(rejected), "warning")
        else:
            flash(said, "success")
        return redirect(_own(public_id), 303)

    def _ask(self, row: Classroom, heading: str, sentences: list[str], account: str | None = None) -> str:
        return self.render(
            "console/confirm.html",
            heading=heading,
            sentences=sentences,
            rowids=[account] if account else None,
            form=ConfirmForm(formdata=None, confirm="yes"),
            submit_title=heading,
            cancel_url=_own(row.public_id),
            danger=True,
            crumbs=self._crumbs(row, heading),
        )

    def _crumbs(self, row: Classroom, last: str) -> list[dict[str, str]]:
        own = f"/console/classrooms/{row.public_id}"
        return [
            CRUMB,
            {"title": row.name, "url": own},
            {"title": self.title, "url": _own(row.public_id)},
            {"title": last},
        ]


def _own(public_id: str) -> str:
    return f"/console/classrooms/{public_id}/teachers"


def _role() -> TeachingRoleName:
    try:
        return TeachingRoleName(request.form.get("role", ""))
    except ValueError:
        raise Rejected(role=gettext("Choose what they will be.")) from None
