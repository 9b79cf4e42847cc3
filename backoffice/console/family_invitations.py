"""Invitations of parents in the console: who was asked and has not answered, and withdrawing."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select

from backoffice import clock
from backoffice.access.permissions import GUARDIANS_EXPORT, GUARDIANS_INVITE
from backoffice.access.selection import Which
from backoffice.access.transaction import Transaction
from backoffice.console.grid import BulkAction, Cell, Column, Grid, Row, searched_words
from backoffice.console.students import full_name
from backoffice.families import queries
from backoffice.families.models import GuardianInvitation
from backoffice.families.services import invitations
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected, Throttled
from backoffice.schools import finding
from backoffice.web.identity import settings


class FamilyInvitationGrid(Grid):
    """Which parents are invited, by mail or letter, and have not answered."""

    entity = GuardianInvitation
    doors = {
        "index": GUARDIANS_INVITE,
        "search": GUARDIANS_INVITE,
        "act": GUARDIANS_INVITE,
        "export": GUARDIANS_EXPORT,
        "export_found": GUARDIANS_EXPORT,
    }
    icon = "mail"
    title = lazy("Parent invitations")
    category = lazy("Teaching")
    address = "family-invitations"
    noun = (lazy("invitation"), lazy("invitations"))
    search_placeholder = lazy("Find a student")
    search_from = 12
    newest_first = True
    columns = (
        Column("child", lazy("Student")),
        Column("way", lazy("Invited by")),
        Column("state", lazy("State")),
    )
    actions = (
        BulkAction(
            "again",
            lazy("Send again"),
            GUARDIANS_INVITE,
            "send_again",
            lazy(
                "{count}: each gets a new link for 14 days, and the old links stop working at once."
                " Letters stay"
                " as they are: print them once more from the class."
            ),
        ),
        BulkAction(
            "withdraw",
            lazy("Withdraw"),
            GUARDIANS_INVITE,
            "withdraw",
            lazy("{count}: links and codes stop working at once. You can invite the same people again."),
            danger=True,
            whole=True,
        ),
    )

    def narrowed(self, tx: Transaction, statement: Select[Any]) -> Select[Any]:
        """Those that are neither accepted nor withdrawn, by the beginnings of the student's names."""
        statement = statement.where(*invitations.OPEN)
        if words := searched_words():
            child = (GuardianInvitation.school_id, GuardianInvitation.student_id)
            statement = statement.where(finding.named(tx.principal, words, child))
        return statement

    def rows(self, tx: Transaction, things: Sequence[GuardianInvitation]) -> list[Row]:
        """For whose parents, by which way, and how it stands."""
        children = queries.students_by_number(tx, {each.student_id for each in things})
        return [
            Row(
                each.public_id,
                f"/console/students/{children[each.student_id].public_id}",
                (
                    Cell(full_name(children[each.student_id])),
                    # The address that a letter's holder gave is between them and us.
                    Cell(gettext("A letter") if each.code_digest else each.email),
                    _state(each),
                ),
            )
            for each in things
            if each.student_id in children
        ]

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """Where parents are invited."""
        del tx
        return {
            "description": gettext("Whoever has not answered yet. Links and letters work once, for 14 days."),
            "empty": {
                "title": gettext("Nobody is waiting"),
                "sentence": gettext(
                    "Open a student to invite a parent, or a class to print letters for all."
                ),
                "url": "/console/classrooms/",
                "action": gettext("Go to the classes"),
                "icon": "mail",
            },
        }

    def send_again(self, chosen: list[str]) -> str:
        """Mail new links."""
        try:
            count = invitations.send_again(
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
            rows=self.counted(invitations.withdraw(principal=self.who, invitations=chosen)),
        )


def _state(invitation: GuardianInvitation) -> Cell:
    if invitation.expires_at <= clock.now():
        return Cell(gettext("Expired"), "badge", tone="warn")
    if invitation.code_digest is None and invitation.token_digest is None:
        return Cell(gettext("On its way"), "badge", tone="mute")
    return Cell(gettext("Waiting"), "badge", tone="good")
