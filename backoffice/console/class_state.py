"""What the page of a class says of the class itself: its mark, whether it is archived, its last change."""

from typing import Any

from flask_wtf import FlaskForm

from backoffice.access.permissions import (
    CLASSROOMS_ARCHIVE,
    CLASSROOMS_ERASE,
    STUDENTS_CREATE,
    STUDENTS_UNENROLL,
)
from backoffice.access.policy import can
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction
from backoffice.language.texts import gettext, ngettext
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
        "erase_url": f"{own}/erase" if row.archived_at and can(who, CLASSROOMS_ERASE, row) else None,
        "change": change,
        "change_words": words_of(change) if change else None,
        "undo_url": f"{own}/undo-last",
        "add_url": f"{own}/paste" if can(who, STUDENTS_CREATE, row) else None,
        "form": FlaskForm(),
    }


def words_of(change: Undoable) -> tuple[str, str]:
    """What was done last to a roster, and what undoing it does, a sentence each."""
    count, other = change.count, change.other or gettext("another class")
    match change.kind:
        case ChangeKind.ADD:
            return (
                ngettext("1 student was added.", "%(count)s students were added.", count, count=count),
                gettext("Undone, new students are erased and those who were known leave this class."),
            )
        case ChangeKind.END:
            return (
                ngettext(
                    "1 student left this class.", "%(count)s students left this class.", count, count=count
                ),
                ngettext(
                    "Undone, the child is back with all points.",
                    "Undone, they are back with all points.",
                    count,
                ),
            )
        case ChangeKind.MOVE_OUT:
            return (
                ngettext(
                    "1 student moved to %(classroom)s.",
                    "%(count)s students moved to %(classroom)s.",
                    count,
                    count=count,
                    classroom=other,
                ),
                ngettext(
                    "Undone, the child is back here and out of the other class.",
                    "Undone, they are back here and out of the other class.",
                    count,
                ),
            )
        case ChangeKind.MOVE_IN:
            return (
                ngettext(
                    "1 student came from %(classroom)s.",
                    "%(count)s students came from %(classroom)s.",
                    count,
                    count=count,
                    classroom=other,
                ),
                ngettext(
                    "Undone, the child is back there and out of this class.",
                    "Undone, they are back there and out of this class.",
                    count,
                ),
            )
        case ChangeKind.RENAME:
            return (
                ngettext("1 name was corrected.", "%(count)s names were corrected.", count, count=count),
                ngettext(
                    "Undone, it is written as before. Aliases and usernames stay.",
                    "Undone, they are written as before. Aliases and usernames stay.",
                    count,
                ),
            )
