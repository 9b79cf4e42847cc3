"""Invitations in the console: who is asked to work at a school, sending again, withdrawing, asking."""

from collections.abc import Sequence
from typing import Any

from flask import request
from flask_admin import expose
from sqlalchemy import Select
from werkzeug.wrappers import Response

from backoffice import clock
from backoffice.access.permissions import TEACHERS_EXPORT, TEACHERS_INVITE
from backoffice.access.selection import Which
from backoffice.access.transaction import Transaction
from backoffice.console.command import Command
from backoffice.console.forms import InvitationForm
from backoffice.console.grid import BulkAction, Cell, Column, Grid, Row, searched_words
from backoffice.console.room import full_at
from backoffice.entitlements import Entitlement
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected, Throttled
from backoffice.schools import queries
from backoffice.staff import queries as staff_queries
from backoffice.staff.models import Invitation, InvitedAs
from backoffice.staff.services import invitations as services
from backoffice.web.identity import reading, settings
from backoffice.web.resend import shows_what_was_typed

ROLES = {
    InvitedAs.TEACHER: lazy("Teacher"),
    InvitedAs.CO_TEACHER: lazy("Co-teacher of one class"),
    InvitedAs.HELPER: lazy("Helper in one class"),
    InvitedAs.OWNER: lazy("Owner of one class, in the place of who owns it now"),
    InvitedAs.LEADER: lazy("Leader of the school"),
}
IN_LIST = {
    "teacher": lazy("Teacher"),
    "co_teacher": lazy("Co-teacher"),
    "helper": lazy("Helper"),
    "leader": lazy("Leader"),
    "owner": lazy("Owner"),
}
CRUMB = {"title": lazy("Invitations"), "url": "/console/invitations/"}


class InvitationGrid(Grid):
    """Who is invited into the schools that somebody leads and has not answered."""

    entity = Invitation
    doors = {
        "index": TEACHERS_INVITE,
        "search": TEACHERS_INVITE,
        "act": TEACHERS_INVITE,
        "new": TEACHERS_INVITE,
        "export": TEACHERS_EXPORT,
        "export_found": TEACHERS_EXPORT,
    }
    fresh = Grid.fresh | {"new"}
    commands = (
        Command(
            lazy("Invite a teacher"),
            "new",
            "invitations/new",
            also=lazy("colleague leader helper owner somebody add"),
        ),
    )
    icon = "person-plus"
    title = lazy("Invitations")
    category = lazy("School")
    address = "invitations"
    noun = (lazy("invitation"), lazy("invitations"))
    search_placeholder = lazy("Find a name or an e-mail address")
    search_from = 12
    newest_first = True
    columns = (
        Column("name", lazy("Name")),
        Column("email", lazy("E-mail address")),
        Column("role", lazy("Invited as")),
        Column("school", lazy("School")),
        Column("state", lazy("State")),
    )
    actions = (
        BulkAction(
            "again",
            lazy("Send again"),
            TEACHERS_INVITE,
            "send_again",
            lazy("{count}: each gets a new link for 14 days. The old links stop working at once."),
        ),
        BulkAction(
            "withdraw",
            lazy("Withdraw"),
            TEACHERS_INVITE,
            "withdraw",
            lazy("{count}: the links stop working at once. You can invite the same people again."),
            danger=True,
            whole=True,
        ),
    )

    def narrowed(self, tx: Transaction, statement: Select[Any]) -> Select[Any]:
        """Those that are neither accepted nor withdrawn, by the words of name and address."""
        statement = statement.where(*services.OPEN)
        if words := " ".join(searched_words()):
            named = queries.is_named(tx, statement, words, Invitation.name, Invitation.email)
            statement = statement.where(named)
        return statement

    def rows(self, tx: Transaction, things: Sequence[Invitation]) -> list[Row]:
        """Whom, as what, where, and how it stands."""
        schools = queries.school_names(tx, {each.school_id for each in things})
        rooms = staff_queries.class_names(tx, things)
        return [
            Row(
                each.public_id,
                None,
                (
                    Cell(each.name),
                    Cell(each.email),
                    Cell(_role(IN_LIST[each.role], rooms.get(each.classroom_id or 0))),
                    Cell(schools.get(each.school_id)),
                    state_cell(each),
                ),
            )
            for each in things
        ]

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """The way to a new one."""
        del tx
        return {
            "description": gettext("Whoever has not answered yet. An invitation works once, for 14 days."),
            "new_url": "/console/invitations/new",
            "new_title": gettext("Invite somebody"),
            "empty": {
                "title": gettext("Nobody is waiting"),
                "sentence": gettext("Invite teachers, helpers and leaders by e-mail."),
                "url": "/console/invitations/new",
                "action": gettext("Invite somebody"),
                "icon": "mail",
            },
        }

    def send_again(self, chosen: list[str]) -> str:
        """Mail new links."""
        try:
            count = services.send_again(
                principal=self.who, invitations=chosen, throttles=settings().throttles
            )
        except Throttled as throttled:
            raise Rejected.whole(
                gettext("That was sent too often. %(wait)s", wait=throttled.sentence)
            ) from None
        return gettext("%(rows)s sent again.", rows=self.counted(count))

    def withdraw(self, chosen: Which) -> str:
        """Withdraw."""
        return gettext(
            "%(rows)s withdrawn.",
            rows=self.counted(services.withdraw(principal=self.who, invitations=chosen)),
        )

    @expose("/new", methods=("GET", "POST"))
    @shows_what_was_typed
    def new(self) -> str | Response | tuple[str, int]:
        """Invite somebody."""
        tx = reading()
        form = InvitationForm(school=request.args.get("school"))
        form.role.choices = [(role.value, title) for role, title in ROLES.items()]
        form.classroom.fill(tx, gettext("No class"))
        only = form.school.only_one(tx)
        if only:
            del form.school
        else:
            form.school.fill(tx, gettext("Choose a school"))

        def save() -> str:
            try:
                services.invite(
                    principal=self.who,
                    school=only or form.school.data,
                    email=form.email.data or "",
                    name=form.name.data or "",
                    role=InvitedAs(form.role.data),
                    classroom=form.classroom.data or None,
                    throttles=settings().throttles,
                )
            except Throttled as throttled:
                raise Rejected(
                    email=gettext("This address was written to too often. %(wait)s", wait=throttled.sentence)
                ) from None
            return "/console/invitations/"

        return self.form_page(
            form,
            save=save,
            said=gettext("The invitation is on its way."),
            heading=gettext("Invite somebody"),
            full=full_at(tx, only or form.school.data, Entitlement.SEATS),
            intro=gettext("They get a mail with a link that works once, for 14 days."),
            submit_title=gettext("Send the invitation"),
            cancel_url="/console/invitations/",
            crumbs=[CRUMB, {"title": gettext("Invite somebody")}],
        )


def state_cell(invitation: Invitation) -> Cell:
    """How an open invitation stands."""
    if invitation.expires_at <= clock.now():
        return Cell(gettext("Expired"), "badge", tone="warn")
    if invitation.token_digest is None:
        return Cell(gettext("On its way"), "badge", tone="mute")
    return Cell(gettext("Waiting"), "badge", tone="good")


def _role(title: str, classroom: str | None) -> str:
    return gettext("%(role)s of %(classroom)s", role=title, classroom=classroom) if classroom else title
