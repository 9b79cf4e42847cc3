"""Families in the console: who asks to follow a child, deciding, inviting by mail, printing letters."""

from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import urlsplit

import segno
from flask import flash, redirect
from flask_admin import expose
from flask_wtf import FlaskForm
from sqlalchemy import Select
from werkzeug.wrappers import Response

from backoffice.access.lookup import find
from backoffice.access.permissions import GUARDIANS_APPROVE, GUARDIANS_EXPORT, GUARDIANS_INVITE
from backoffice.access.selection import Which
from backoffice.access.transaction import Transaction
from backoffice.console.command import Command
from backoffice.console.forms import GuardianForm
from backoffice.console.grid import BulkAction, Cell, Column, Grid, Row, searched_words
from backoffice.console.grids.filters import Choice, ChoiceFilter
from backoffice.console.students import LINK_STATES, class_crumbs, full_name, parent_name
from backoffice.families import queries as family_queries
from backoffice.families.models import GuardianLink, GuardianStatus
from backoffice.families.services import invitations, links
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.problems import Rejected, Throttled
from backoffice.schools import finding, names, queries
from backoffice.schools.models import Classroom, Student
from backoffice.web.identity import done_reading, reading, settings
from backoffice.web.resend import shows_what_was_typed

CRUMB = {"title": lazy("Families"), "url": "/console/families/"}
# From which state each act leads on, and how the question names a pair.
ASKED = {
    "approve": (GuardianStatus.WAITING, lazy("{parent} asks to follow {child}.")),
    "refuse": (GuardianStatus.WAITING, lazy("{parent} asks to follow {child}.")),
    "revoke": (GuardianStatus.APPROVED, lazy("{parent} follows {child}.")),
}
MOST_NAMED = 20


class FamilyGrid(Grid):
    """The parents of the children whom somebody teaches or leads, by the names that they wrote."""

    entity = GuardianLink
    doors = {
        "index": GUARDIANS_APPROVE,
        "search": GUARDIANS_APPROVE,
        "act": GUARDIANS_APPROVE,
        "export": GUARDIANS_EXPORT,
        "export_found": GUARDIANS_EXPORT,
        "invite": GUARDIANS_INVITE,
        "letter": GUARDIANS_INVITE,
        "print_letter": GUARDIANS_INVITE,
        "letters": GUARDIANS_INVITE,
        "print_letters": GUARDIANS_INVITE,
    }
    commands = (
        Command(lazy("Print letters for the parents of {name}"), "letters", "/console/families/letters/{}"),
    )
    icon = "family"
    title = lazy("Families")
    category = lazy("Teaching")
    address = "families"
    noun = (lazy("parent"), lazy("parents"))
    search_placeholder = lazy("Find a student")
    search_from = 12
    newest_first = True
    columns = (
        Column("child", lazy("Student")),
        Column("parent", lazy("Parent, as written")),
        Column("classes", lazy("Classes")),
        Column("state", lazy("State")),
    )
    filters = (
        ChoiceFilter(
            "state",
            lazy("State"),
            choices=tuple(
                Choice(state.value, cell.text or "", GuardianLink.status == state.value)
                for state, cell in LINK_STATES.items()
            ),
            several=True,
            carried_by="ix_guardian_link_school_id_status_id",
        ),
    )
    actions = (
        BulkAction(
            "approve",
            lazy("Confirm"),
            GUARDIANS_APPROVE,
            "approve",
            lazy(
                "Confirmed parents see given name, class, points and the last awards of this child, and"
                " who of"
                " the school opened the record. Confirm only whom you know."
            ),
        ),
        BulkAction(
            "refuse",
            lazy("Refuse"),
            GUARDIANS_APPROVE,
            "refuse",
            lazy("They are told by mail and see nothing. You can invite them again."),
            whole=True,
        ),
        BulkAction(
            "revoke",
            lazy("End the link"),
            GUARDIANS_APPROVE,
            "revoke",
            lazy(
                "From their next click on they see nothing of the child. They are told by mail; nobody"
                " else is."
            ),
            danger=True,
            whole=True,
        ),
    )

    def narrowed(self, tx: Transaction, statement: Select[Any]) -> Select[Any]:
        """By the beginnings of the student's names: what parents wrote of themselves has no tokens."""
        if words := searched_words():
            child = (GuardianLink.school_id, GuardianLink.student_id)
            statement = statement.where(finding.named(tx.principal, words, child))
        return statement

    def rows(self, tx: Transaction, things: Sequence[GuardianLink]) -> list[Row]:
        """Child, parent, classes, state."""
        children = family_queries.students_by_number(tx, {each.student_id for each in things})
        seats = queries.seats_of(tx, list(children.values()))
        return [
            Row(
                each.public_id,
                f"/console/students/{children[each.student_id].public_id}",
                (
                    Cell(full_name(children[each.student_id])),
                    Cell(parent_name(each)),
                    Cell(", ".join(sorted(seat.classroom for seat in seats.get(each.student_id, ())))),
                    LINK_STATES[GuardianStatus(each.status)],
                ),
            )
            for each in things
            if each.student_id in children
        ]

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """Where a parent is invited."""
        del tx
        return {
            "description": gettext("Whoever was invited and asks to follow a child waits here for you."),
            "empty": {
                "title": gettext("No parents yet"),
                "sentence": gettext(
                    "Open a student to invite a parent, or a class to print letters for all."
                ),
                "url": "/console/classrooms/",
                "action": gettext("Go to the classes"),
                "icon": "students",
            },
        }

    def question(
        self, tx: Transaction, action: BulkAction, chosen: Sequence[GuardianLink], *, count: int
    ) -> list[str]:
        """Who follows whom, by the names of child and parent."""
        before, sentence = ASKED[action.name]
        fitting = [
            each for each in chosen if each.status == before and each.account_id != self.who.account_id
        ]
        if not fitting and count > len(chosen):
            # All that fit: those that are read are the first alone, and the numbers say the rest.
            return [action.question]
        if not fitting:
            if before is GuardianStatus.WAITING:
                return [gettext("None of the selected is waiting, so nothing will change.")]
            return [gettext("None of the selected is confirmed, so nothing will change.")]
        children = family_queries.students_by_number(tx, {each.student_id for each in fitting})
        said = [
            sentence.format(parent=parent_name(each), child=full_name(children[each.student_id]))
            for each in fitting[:MOST_NAMED]
            if each.student_id in children
        ]
        more = len(fitting) - MOST_NAMED
        if count > len(chosen):
            return [*said, action.question]
        return [*said, *([gettext("And %(more)s more.", more=more)] if more > 0 else []), action.question]

    def effects(self, tx: Transaction, action: BulkAction, numbers: Collection[int]) -> list[str]:
        """How many links are changed, and how many stay as they are."""
        before, _ = ASKED[action.name]
        fitting = family_queries.links_in(tx, numbers, before)
        if before is GuardianStatus.WAITING:
            change = ngettext(
                "1 link is waiting and will change.",
                "%(count)s links are waiting and will change.",
                fitting,
                count=amount(fitting),
            )
        else:
            change = ngettext(
                "1 link is confirmed and will change.",
                "%(count)s links are confirmed and will change.",
                fitting,
                count=amount(fitting),
            )
        rest = len(numbers) - fitting
        stay = ngettext(
            "%(count)s in another state stays as before.",
            "%(count)s in another state stay as before.",
            rest,
            count=amount(rest),
        )
        return [change, *([stay] if rest else [])]

    def approve(self, chosen: list[str]) -> str:
        """Approve."""
        return gettext(
            "%(rows)s confirmed.", rows=self.counted(links.approve(principal=self.who, links=chosen))
        )

    def refuse(self, chosen: Which) -> str:
        """Refuse."""
        return gettext("%(rows)s refused.", rows=self.counted(links.refuse(principal=self.who, links=chosen)))

    def revoke(self, chosen: Which) -> str:
        """Revoke."""
        count = links.revoke(principal=self.who, links=chosen)
        return gettext(
            "%(rows)s out. What they were shown is not shown to them any more.", rows=self.counted(count)
        )

    @expose("/invite/<student:public_id>", methods=("GET", "POST"))
    @shows_what_was_typed
    def invite(self, public_id: str) -> str | Response | tuple[str, int]:
        """Invite a parent of a child: by mail, or by a letter."""
        child = find(reading(), Student, public_id, permission=GUARDIANS_INVITE)
        own_page = f"/console/students/{public_id}"
        form = GuardianForm()

        def save() -> str:
            try:
                invitations.invite(
                    principal=self.who,
                    student=public_id,
                    email=form.email.data or "",
                    name=form.name.data or "",
                    throttles=settings().throttles,
                )
            except Throttled as throttled:
                raise Rejected(
                    email=gettext("This address was written to too often. %(wait)s", wait=throttled.sentence)
                ) from None
            return own_page

        return self.form_page(
            form,
            save=save,
            said=gettext("The invitation is on its way. When the parent has answered, you confirm them."),
            template="console/invite_parent.html",
            student=full_name(child),
            letter_url=f"/console/families/letter/{public_id}",
            letter_form=FlaskForm(),
            cancel_url=own_page,
            crumbs=[
                {"title": gettext("Students"), "url": "/console/students/"},
                {"title": full_name(child), "url": own_page},
                {"title": gettext("Invite a parent")},
            ],
        )

    @expose("/letter/<student:public_id>", methods=("GET",))
    def letter(self, public_id: str) -> str:
        """The open letters for one child, to be printed."""
        child = find(reading(), Student, public_id, permission=GUARDIANS_INVITE)
        return self._letters(
            [child],
            heading=gettext("Letters for %(name)s", name=full_name(child)),
            make_title=gettext("Make another letter"),
            lead=gettext("Print this page: each letter begins a sheet of its own."),
            crumbs=[
                {"title": gettext("Students"), "url": "/console/students/"},
                {"title": full_name(child), "url": f"/console/students/{public_id}"},
                {"title": gettext("Letters")},
            ],
        )

    @expose("/letter/<student:public_id>", methods=("POST",))
    def print_letter(self, public_id: str) -> Response:
        """Make a letter for one child."""
        done_reading()
        invitations.print_letter(principal=self.who, student=public_id)
        flash(gettext("The letter is ready. Print this page."), "success")
        return redirect(f"/console/families/letter/{public_id}", 303)

    @expose("/letters/<classroom:public_id>", methods=("GET",))
    def letters(self, public_id: str) -> str:
        """The open letters for a class, one page a child, and how many children have no parent yet."""
        tx = reading()
        room = find(tx, Classroom, public_id, permission=GUARDIANS_INVITE)
        missing = invitations.without_parent(tx, room)
        written = {each.student_id for each in invitations.open_letters(tx, [each.id for each in missing])}
        count = len(missing) - len(written)
        return self._letters(
            missing,
            heading=gettext("Letters for the parents of %(room)s", room=room.name),
            make_title=ngettext("Make 1 letter", "Make %(count)s letters", count, count=count)
            if count
            else None,
            lead=_missing(len(missing), count),
            crumbs=class_crumbs(room, {"title": gettext("Letters for parents")}),
        )

    @expose("/letters/<classroom:public_id>", methods=("POST",))
    def print_letters(self, public_id: str) -> Response:
        """Make a letter for each child without a parent."""
        done_reading()
        count = invitations.print_letters(principal=self.who, classroom=public_id)
        said = ngettext(
            "1 letter is ready. Print this page: each begins a sheet of its own.",
            "%(count)s letters are ready. Print this page: each begins a sheet of its own.",
            count,
            count=count,
        )
        flash(said, "success")
        return redirect(f"/console/families/letters/{public_id}", 303)

    def _letters(self, children: Sequence[Student], **context: Any) -> str:
        tx = reading()
        base = settings().base_url
        ordered = sorted(children, key=lambda each: names.sort_key(each.given_name, each.family_name))
        schools = queries.school_names(tx, {each.school_id for each in children})
        return self.render(
            "console/letters.html",
            letters=[
                {
                    "student": each.student,
                    "given_name": each.given_name,
                    "code": each.code,
                    "until": each.until,
                    "picture": segno.make(f"{base}/family/letters/{each.code}").svg_data_uri(
                        scale=4, light="#fff"
                    ),
                }
                for each in invitations.letters_to_print(tx, ordered)
            ],
            school=next(iter(schools.values()), ""),
            join_address=f"{urlsplit(base).netloc}/family/join",
            make_form=FlaskForm(),
            **context,
        )


def _missing(missing: int, count: int) -> str:
    if not missing:
        return gettext("Every child has a parent who follows or has asked to.")
    said = ngettext(
        "1 child has no parent here yet.",
        "%(count)s children have no parent here yet.",
        missing,
        count=missing,
    )
    letters = (
        gettext("%(count)s of them without a letter.", count=count)
        if count
        else gettext("All have a letter: print this page.")
    )
    return f"{said} {letters}"
