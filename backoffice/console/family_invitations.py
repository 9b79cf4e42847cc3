"""Invitations of parents in the console: who was asked and has not answered, and withdrawing."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select

from backoffice import clock
from backoffice.access.permissions import GUARDIANS_INVITE
from backoffice.access.selection import Which
from backoffice.access.transaction import Transaction
from backoffice.console.grid import BulkAction, Cell, Column, Grid, Row
from backoffice.console.students import full_name
from backoffice.families import queries
from backoffice.families.models import GuardianInvitation
from backoffice.families.services import invitations
from backoffice.problems import Rejected, Throttled
from backoffice.web.identity import settings


class FamilyInvitationGrid(Grid):
    """Which parents are invited, by mail or letter, and have not answered."""

    entity = GuardianInvitation
    doors = {"index": GUARDIANS_INVITE, "act": GUARDIANS_INVITE}
    icon = "mail"
    title = "Parent invitations"
    category = "Teaching"
    address = "family-invitations"
    noun = ("invitation", "invitations")
    newest_first = True
    columns = (
        Column("child", "Student"),
        Column("way", "Invited by"),
        Column("state", "State"),
    )
    actions = (
        BulkAction(
            "again",
            "Send again",
            GUARDIANS_INVITE,
            "send_again",
            "{count}: each gets a new link for 14 days, and the old links stop working at once. Letters stay"
            " as they are: print them once more from the class.",
        ),
        BulkAction(
            "withdraw",
            "Withdraw",
            GUARDIANS_INVITE,
            "withdraw",
            "{count}: links and codes stop working at once. You can invite the same people again.",
            danger=True,
            whole=True,
        ),
    )

    def narrowed(self, tx: Transaction, statement: Select[Any]) -> Select[Any]:
        """Those that are neither accepted nor withdrawn."""
        del tx
        return statement.where(*invitations.OPEN)

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
                    Cell("A letter" if each.code_digest else each.email),
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
            "description": "Whoever has not answered yet. Links and letters work once, for 14 days.",
            "empty": {
                "title": "Nobody is waiting",
                "sentence": "Open a student to invite a parent, or a class to print letters for all.",
                "url": "/console/classrooms/",
                "action": "Go to the classes",
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
            raise Rejected.whole(f"That was sent too often. {throttled.sentence}") from None
        return f"{self.counted(count)} sent again."

    def withdraw(self, chosen: Which) -> str:
        """Withdraw."""
        return f"{self.counted(invitations.withdraw(principal=self.who, invitations=chosen))} withdrawn."


def _state(invitation: GuardianInvitation) -> Cell:
    if invitation.expires_at <= clock.now():
        return Cell("Expired", "badge", tone="warn")
    if invitation.code_digest is None and invitation.token_digest is None:
        return Cell("On its way", "badge", tone="mute")
    return Cell("Waiting", "badge", tone="good")
