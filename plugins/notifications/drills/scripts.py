"""After which scripts drills are played: how each begins, and what comes in while it goes on.

Hours are those that are played. A script is never changed once it was played, since answers stand beside its
words: what should be played otherwise gets a name of its own.
"""

from dataclasses import dataclass
from enum import StrEnum

from backoffice.language.texts import lazy


class Mails(StrEnum):
    """What an event does to the mails of its drill, from when it comes in: as it says, so it is.

    `COME_BACK`: of those to parents one in four, whenever they are written. `REFUSED`: all that are written
    until an event says that they are `TAKEN` again.
    """

    COME_BACK = "come back"
    REFUSED = "refused"
    TAKEN = "taken"


@dataclass(frozen=True)
class Event:
    """Something that comes in so many hours after the beginning, to be answered within so many."""

    name: str
    after: int
    within: int
    said: str
    mails: Mails | None = None


@dataclass(frozen=True)
class Script:
    """How a drill begins, and what comes in. `former` is what came in once, and stands beside its answers."""

    name: str
    title: str
    practises: str
    what: str
    events: tuple[Event, ...]
    former: tuple[Event, ...] = ()

    def event(self, name: str) -> Event | None:
        """One of its events."""
        return next((each for each in (*self.events, *self.former) if each.name == name), None)


SCRIPTS = (
    Script(
        "guessed-password",
        lazy("A teacher's password was guessed"),
        lazy("For a first time: one school, one account, and a clear end."),
        lazy(
            "A teacher tells us that somebody signed in to their account over the weekend, from a country in"
            " which they never were. Whoever it was has opened the lists of two classes."
        ),
        (
            Event(
                "more-classes",
                4,
                12,
                lazy("The trail shows that a third class was opened, and its points saved as a file."),
            ),
            Event(
                "leader-calls",
                8,
                6,
                lazy("The leader of the school calls: parents ask, and what may they be told?"),
            ),
            Event(
                "come-back",
                24,
                24,
                lazy("One in four mails to parents comes back. How do these parents learn of it?"),
                Mails.COME_BACK,
            ),
            Event(
                "password-known",
                40,
                12,
                lazy(
                    "The same password stands in a list of a breach elsewhere. Is anybody else in that list?"
                ),
            ),
        ),
        (
            Event(
                "bounced",
                24,
                24,
                lazy("Mails to twelve parents would have come back. How do these parents learn of it?"),
            ),
        ),
    ),
    Script(
        "stolen-laptop",
        lazy("A laptop with an export was stolen"),
        lazy("Several schools, a district's contract, and the police."),
        lazy(
            "A laptop of ours was stolen out of a car. On it lay an export of three schools, made two days"
            " ago. Whether its disk was encrypted is not known yet."
        ),
        (
            Event("disk", 3, 6, lazy("The disk was encrypted, and the passphrase was on a note in the bag.")),
            Event(
                "police",
                6,
                6,
                lazy("The police ask in writing to tell nobody for two days. Whom does that hold?"),
            ),
            Event(
                "contract",
                12,
                12,
                lazy("A district writes: by our contract we had to be told within 24 hours."),
            ),
            Event(
                "journalist",
                20,
                6,
                lazy("A journalist asks whether it is true that data of children were stolen."),
            ),
            Event(
                "found",
                60,
                12,
                lazy("The laptop was found, and it had been switched on. Does that change anything?"),
            ),
        ),
    ),
    Script(
        "mail-service",
        lazy("Whoever sends our mails was broken into"),
        lazy(
            "A vendor's incident: little is known, all schools may be concerned, and mail cannot be trusted."
        ),
        lazy(
            "The company that sends our mails writes that somebody was in its systems for nine days. Which of"
            " its customers are concerned it does not know yet. Our mails hold names of schools and links."
        ),
        (
            Event(
                "concerned",
                6,
                12,
                lazy("It writes again: mails of ours of six days were read. Whose addresses are that?"),
            ),
            Event(
                "other-way",
                10,
                6,
                lazy("A founder asks: do we tell people about it by the same mail service?"),
            ),
            Event(
                "refused",
                14,
                12,
                lazy("It takes no mails of ours any more. Whom do we reach without mail, and how?"),
                Mails.REFUSED,
            ),
            Event(
                "false-mail",
                18,
                6,
                lazy("A parent forwards a mail in our name that asks for a password. It is not ours."),
            ),
            Event(
                "authority",
                30,
                24,
                lazy("An authority asks in writing what we knew when, and whom we have told."),
            ),
            Event(
                "mended",
                66,
                24,
                lazy(
                    "It writes that all is mended, and that it takes mails again. What do we ask before we"
                    " send through it?"
                ),
                Mails.TAKEN,
            ),
        ),
        (
            Event(
                "over",
                66,
                24,
                lazy("It writes that all is mended. What do we ask before we send through it again?"),
            ),
        ),
    ),
)
BY_MAILS = {
    kind: [
        (script.name, event.name)
        for script in SCRIPTS
        for event in (*script.events, *script.former)
        if event.mails is kind
    ]
    for kind in Mails
}
BY_NAME = {script.name: script for script in SCRIPTS}
