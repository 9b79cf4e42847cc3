"""What fixed words of incidents are called."""

from collections.abc import Mapping

from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy, ngettext
from plugins.notifications.deadlines.facts import Encrypted, Risk, Role
from plugins.notifications.models import EntryKind

# As the triggers of `config/jurisdictions.toml` name them; a test says that all of them are here.
KINDS: Mapping[str, str] = {
    "name": lazy("Names"),
    "email": lazy("E-mail addresses"),
    "username": lazy("Usernames"),
    "password": lazy("Passwords, PINs or codes that open an account"),
    "student_id": lazy("Identifiers of students"),
    "date_of_birth": lazy("Dates of birth"),
    "mailbox_password": lazy("Passwords of mailboxes"),
    "ssn": lazy("Social security numbers"),
    "drivers_license": lazy("Numbers of driver's licences"),
    "state_id": lazy("Numbers of identity cards"),
    "account_number_with_code": lazy("Bank accounts with their codes"),
    "card_number_with_code": lazy("Payment cards with their codes"),
    "other": lazy("Other data about people, such as points"),
}
ROLES: Mapping[Role, str] = {
    Role.PROCESSOR: lazy("Schools own the data, and we keep them"),
    Role.CONTROLLER: lazy("The data are our own"),
}
RISKS: Mapping[Risk, str] = {
    Risk.UNASSESSED: lazy("Nobody has judged it yet"),
    Risk.UNLIKELY: lazy("A risk to people is unlikely"),
    Risk.RISK: lazy("There is a risk to people"),
    Risk.HIGH: lazy("There is a high risk to people"),
}
ENCRYPTED: Mapping[Encrypted, str] = {
    Encrypted.NO: lazy("No, or nobody knows"),
    Encrypted.KEY_SAFE: lazy("Yes, and the key is safe"),
    Encrypted.KEY_TAKEN: lazy("Yes, and the key was taken too"),
}
ENTRIES: Mapping[EntryKind, str] = {
    EntryKind.NOTE: lazy("Note"),
    EntryKind.FACTS: lazy("Facts"),
    EntryKind.SCHOOLS: lazy("Schools"),
    EntryKind.DECISION: lazy("Decision"),
    EntryKind.TASK: lazy("Done"),
    EntryKind.TOLD: lazy("Told"),
    EntryKind.CLOSED: lazy("Closed"),
}
FACTS: Mapping[str, str] = {
    "what": lazy("What happened"),
    "systems": lazy("Systems"),
    "role": lazy("Whose data they are"),
    "risk": lazy("Risk to people"),
    "kinds": lazy("Kinds of data"),
    "encrypted": lazy("Were the data encrypted?"),
    "noticed_at": lazy("Noticed"),
    "determined_at": lazy("Determined to be a breach"),
    "confirmed_at": lazy("Confirmed, with all that a notice says"),
    "held_since": lazy("The police ask to tell nobody, from"),
    "held_until": lazy("The police ask to tell nobody, until"),
}


def people(students: int, staff: int, parents: int) -> str:
    """How many there are of each kind: "22 students, 2 staff, 1 parent"."""
    return ", ".join(
        (
            ngettext("%(number)s student", "%(number)s students", students, number=amount(students)),
            gettext("%(number)s staff", number=amount(staff)),
            ngettext("%(number)s parent", "%(number)s parents", parents, number=amount(parents)),
        )
    )
