"""How the inventory says kinds and forms of data, how long it stays and with whom it goes."""

from collections.abc import Mapping
from enum import StrEnum

from backoffice.language.texts import lazy
from backoffice.privacy.holdings import Subject
from backoffice.storage.columns import Class, Form, Keep


class About(StrEnum):
    """What a table is about."""

    STUDENTS = "students"
    CLASSES = "classes"
    ACCOUNTS = "accounts"
    SCHOOLS = "schools"
    OTHER = "other"


ABOUT: Mapping[About, str] = {
    About.STUDENTS: lazy("Students"),
    About.CLASSES: lazy("Classes"),
    About.ACCOUNTS: lazy("Accounts"),
    About.SCHOOLS: lazy("Schools and districts"),
    About.OTHER: lazy("The service itself"),
}
# What each is called, and what that means.
KINDS: Mapping[Class, tuple[str, str]] = {
    Class.PERSONAL: (lazy("personal"), lazy("It says something about a person, or could.")),
    Class.NETWORK_ADDRESS: (lazy("network address"), lazy("It says from where somebody came in.")),
    Class.SECRET: (lazy("secret"), lazy("It shows that somebody is who they say.")),
    Class.PSEUDONYM: (
        lazy("pseudonym"),
        lazy("It stands for somebody or something, and says nothing without the rest."),
    ),
    Class.OPERATIONAL: (lazy("operational"), lazy("It names nobody: a time, a count, a choice.")),
}
FORMS: Mapping[Form, tuple[str, str]] = {
    Form.SEALED: (lazy("sealed"), lazy("It cannot be read without a key that is kept outside the database.")),
    Form.HASHED: (lazy("slow hash"), lazy("What somebody types can be compared with it. It cannot be read.")),
    Form.DIGEST: (lazy("digest"), lazy("Something random is recognised by it. It cannot be read.")),
    Form.KEYED_DIGEST: (
        lazy("keyed digest"),
        lazy(
            "Something is recognised by it, with a key that is kept outside the database. It cannot be read."
        ),
    ),
    Form.RANDOM: (lazy("random"), lazy("It was drawn by lot.")),
    Form.PROOF: (lazy("proof"), lazy("Something is checked by it. Nobody is found by it.")),
    Form.NUMBER: (lazy("number"), lazy("It is the number of a row of the database.")),
    Form.FOR_US_ALONE: (
        lazy("for this service alone"),
        lazy("Somebody's device made it for this service, and it means nothing elsewhere."),
    ),
    Form.PLAIN: (lazy("in the clear"), lazy("It is stored as it is.")),
}
KEPT_FOR: Mapping[Keep, str] = {
    Keep.STUDENT: lazy("until the student is erased"),
    Keep.CLASSROOM: lazy("until the classroom is erased"),
    Keep.ACCOUNT: lazy("until the account is erased"),
    Keep.SCHOOL: lazy("until the school is erased"),
    Keep.DISTRICT: lazy("until the district is erased"),
    Keep.TWO_DAYS: lazy("two days at most"),
    Keep.ONE_MONTH: lazy("one month at most"),
    Keep.SIX_MONTHS: lazy("six months"),
    Keep.ONE_YEAR: lazy("one year"),
    Keep.SIX_YEARS: lazy("six years"),
    Keep.ERASURE: lazy("until the erasure is verified"),
    Keep.FOR_GOOD: lazy("for as long as the service runs"),
}
SUBJECTS: Mapping[Subject, str] = {
    Subject.STUDENT: lazy("the student"),
    Subject.CLASSROOM: lazy("the class"),
    Subject.ACCOUNT: lazy("the account"),
    Subject.SCHOOL: lazy("the school"),
    Subject.DISTRICT: lazy("the district"),
}
EMPTIED_WITH: Mapping[Subject, str] = {
    Subject.STUDENT: lazy("emptied when the student is erased"),
    Subject.CLASSROOM: lazy("emptied when the class is erased"),
    Subject.ACCOUNT: lazy("emptied when the account is erased"),
    Subject.SCHOOL: lazy("emptied when the school is erased"),
    Subject.DISTRICT: lazy("emptied when the district is erased"),
}
