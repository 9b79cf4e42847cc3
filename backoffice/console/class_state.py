"""What the page of a class says of the class itself: its mark, whether it is archived, its last change."""

from typing import Any

from flask_wtf import FlaskForm

from backoffice.access.permissions import CLASSROOMS_ARCHIVE, STUDENTS_CREATE, STUDENTS_UNENROLL
from backoffice.access.policy import can
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction
from backoffice.schools import names
from backoffice.schools.models import Classroom
from backoffice.schools.roster_models import ChangeKind
from backoffice.schools.services.changes import Undoable, last_change


def mark_of(row: Classroom) -> str | None:
    """The picture of a class's mark: its figure in its colour."""
    return names.picture(row.icon, row.colour)


def state_of(tx: Transaction, who: Principal, row: Classroom) -> dict[str, Any]:
    """The values of `console/parts/class_state.html`."""
    own = f"/console/classrooms/{row.public_id}"
    change = last_change(tx, row) if can(who, STUDENTS_UNENROLL, row) else None
    return {
        "archived_at": row.archived_at,
        "restore_url": f"{own}/restore" if can(who, CLASSROOMS_ARCHIVE, row) else None,
        "change": change,
        "change_words": words_of(change) if change else None,
        "undo_url": f"{own}/undo-last",
        "add_url": f"{own}/paste" if can(who, STUDENTS_CREATE, row) else None,
        "form": FlaskForm(),
    }


def words_of(change: Undoable) -> tuple[str, str]:
    """What was done last to a roster, and what undoing it does, a sentence each."""
    many = change.count != 1
    who = f"{change.count} students" if many else "1 student"
    they = "they" if many else "the child"
    match change.kind:
        case ChangeKind.ADD:
            back = "Undone, new students are erased and those who were known leave this class."
            return f"{who} {'were' if many else 'was'} added.", back
        case ChangeKind.END:
            return (
                f"{who} left this class.",
                f"Undone, {they} {'are' if many else 'is'} back with all points.",
            )
        case ChangeKind.MOVE_OUT:
            back = f"Undone, {they} {'are' if many else 'is'} back here and out of the other class."
            return f"{who} moved to {change.other or 'another class'}.", back
        case ChangeKind.MOVE_IN:
            back = f"Undone, {they} {'are' if many else 'is'} back there and out of this class."
            return f"{who} came from {change.other or 'another class'}.", back
        case ChangeKind.RENAME:
            back = "Undone, they are" if many else "Undone, it is"
            return (
                f"{change.count} {'names were' if many else 'name was'} corrected.",
                f"{back} written as before. Aliases and usernames stay.",
            )
