"""What subjects, and what is held about them, are called on pages."""

from backoffice.language.moments import amount
from backoffice.language.texts import lazy, ngettext
from backoffice.privacy.erasure.models import AskedAs
from backoffice.privacy.holdings import Subject

SUBJECTS = {
    Subject.STUDENT: lazy("A student"),
    Subject.CLASSROOM: lazy("A class"),
    Subject.ACCOUNT: lazy("An account"),
    Subject.SCHOOL: lazy("A school"),
    Subject.DISTRICT: lazy("A district"),
}
KINDS = {
    Subject.STUDENT: lazy("Students"),
    Subject.CLASSROOM: lazy("Classes"),
    Subject.ACCOUNT: lazy("Accounts"),
    Subject.SCHOOL: lazy("Schools"),
    Subject.DISTRICT: lazy("Districts"),
}


def titled(subject: Subject, count: int) -> str:
    """What an erasure is of: "A class", "25 students"."""
    if subject is not Subject.STUDENT or count == 1:
        return str(SUBJECTS[subject])
    return ngettext("%(count)s student", "%(count)s students", count, count=amount(count))


ASKED_AS = {
    AskedAs.TEACHER: lazy("a teacher of the class"),
    AskedAs.LEADER: lazy("a leader of the school"),
    AskedAs.FOUNDER: lazy("a founder of the service"),
    AskedAs.OWNER: lazy("the owner of the account"),
    AskedAs.COMMAND: lazy("somebody at the server"),
    AskedAs.RETENTION: lazy("the retention policy"),
    AskedAs.CANARY: lazy("the nightly test of erasing"),
    AskedAs.LEDGER: lazy("the ledger of erasures, after a restore"),
}
# What rows of a table are to people; of all others, "" says it.
GROUPS = {
    "app.student": lazy("Names"),
    "app.classroom": lazy("Names"),
    "app.enrollment": lazy("Places in classes"),
    "app.point_entry": lazy("Points"),
    "app.point_award": lazy("Points"),
    "app.action": lazy("Actions"),
    "app.student_session": lazy("Sign-ins"),
    "app.student_card": lazy("Cards and codes"),
    "app.classroom_code": lazy("Cards and codes"),
    "app.guardian_link": lazy("Links to parents"),
    "app.guardian_invitation": lazy("Links to parents"),
    "app.guardian_request": lazy("Links to parents"),
    "app.custom_field": lazy("Fields of the school"),
    "app.student_value": lazy("Fields of the school"),
    "app.classroom_value": lazy("Fields of the school"),
    "": lazy("Other records"),
}
