"""What came of an import, for people and for storage."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from backoffice.language.texts import lazy
from plugins.rosters.importing.merge import Done
from plugins.rosters.importing.roster import Noted
from plugins.rosters.reading.report import Report

# What is counted as not taken, and the sentence that goes with it.
NOT_TAKEN = {
    "family": lazy("Parents, guardians and relatives are not taken: they come by a teacher's invitation."),
    "other staff": lazy("Aides and proctors are not taken: a teacher adds helpers to a class."),
    "administrators": lazy("Administrators are listed by name; nobody becomes a leader by a roster."),
}
# What an import leaves alone or lets go elsewhere, and why.
LEFT_ALONE = {
    "children left out": lazy(
        "Somebody here took these children out of a class, or did not move them up."
        " They stay out until your system drops them from it and puts them in anew."
    ),
    "children left in": lazy(
        "Somebody here put these children into a class. They stay, although your system"
        " has dropped them. Take them out by hand if they left."
    ),
    "teachers left out": lazy(
        "Somebody here ended the roles of these teachers in a class. They stay out until"
        " your system drops them from it and puts them in anew."
    ),
    "teachers left in": lazy(
        "Somebody here gave these teachers their roles in a class. They keep them, although"
        " your system has dropped them. End the roles by hand if they left."
    ),
    "archived classes left alone": lazy(
        "Nothing changes in these archived classes. Bring one back, and the next roster goes on in it."
    ),
    "classes going on in the ones that follow them": lazy(
        "A new school year has begun here, and your system"
        " still sends the old one. What it says of these classes goes to the ones that follow them."
    ),
    "archived classes begun anew": lazy(
        "Your system sends these archived classes in another school year. Each has a new class for that."
    ),
    "new classes beside ones begun here": lazy(
        "These came in new, and somebody here has begun a class for the"
        " same year already. Keep the one that you use, and archive the other."
    ),
}


@dataclass
class Outcome:
    """Whether it was done, what was found and what was done. Names of staff are in `names` alone."""

    report: Report
    noted: Noted = field(default_factory=Noted)
    schools: dict[int, Counter[str]] = field(default_factory=dict)
    schools_new: int = 0
    to_invite: list[str] = field(default_factory=list)
    # Numbers of the class and of whom, by what they are counted as.
    left_alone: dict[str, list[Any]] = field(default_factory=dict)
    dry_run: bool = False
    # How many of which kind the roster speaks of.
    read: dict[str, int] = field(default_factory=dict)
    # Whether it was not done because it would do something else than was shown.
    otherwise: bool = False

    @property
    def done(self) -> bool:
        """Whether everything was right, and so was written unless it was a dry run."""
        return not self.report.stops

    @property
    def counts(self) -> dict[str, int]:
        """What was done in all schools together, and what was not taken."""
        total: Counter[str] = Counter(self.noted.counts)
        for counted in self.schools.values():
            total += counted
        if self.schools_new:
            total["schools new"] = self.schools_new
        return {what: times for what, times in sorted(total.items()) if times}

    def by_school(self, done: Done) -> None:
        """Take over what was done."""
        self.schools = dict(done)

    def public(self) -> dict[str, Any]:
        """Everything but names, as data."""
        report, counts = self.report, self.counts
        return {
            "done": self.done,
            "dry_run": self.dry_run,
            "lines": self.noted.lines,
            "counts": counts,
            "read": self.read,
            "not_taken": [str.__str__(said) for what, said in NOT_TAKEN.items() if self.noted.counts[what]],
            "left_alone": {what: str.__str__(said) for what, said in LEFT_ALONE.items() if counts.get(what)},
            "problems": [{**asdict(p), "severity": str(p.severity)} for p in report.problems],
            "problem_counts": [
                {
                    "severity": str(severity),
                    "file": file,
                    "column": column,
                    "sentence": sentence,
                    "times": times,
                }
                for (severity, file, column, sentence), times in report.counts.items()
            ],
            "dropped": dict(sorted(report.dropped.items())),
        }

    @property
    def names(self) -> dict[str, list[Any]] | None:
        """Whom somebody is to look at, for a sealed column. None if there is nobody.

        Of whom was left alone it has the number and the class's: who was erased since has no name.
        """
        found = {"administrators": self.noted.administrators, "to_invite": self.to_invite}
        if not self.done or not (any(found.values()) or self.left_alone):
            return None
        return {**found, **self.left_alone}
