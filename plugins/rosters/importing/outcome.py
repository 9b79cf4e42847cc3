"""What came of an import, for people and for storage."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from plugins.rosters.importing.merge import Done
from plugins.rosters.importing.roster import Noted
from plugins.rosters.reading.report import Report

# What is counted as not taken, and the sentence that goes with it.
NOT_TAKEN = {
    "family": "Parents, guardians and relatives are not taken: they come by a teacher's invitation.",
    "other staff": "Aides and proctors are not taken: a teacher adds helpers to a class.",
    "administrators": "Administrators are listed by name; nobody becomes a leader by a roster.",
}


@dataclass
class Outcome:
    """Whether it was done, what was found and what was done. Names of staff are in `names` alone."""

    report: Report
    noted: Noted = field(default_factory=Noted)
    schools: dict[int, Counter[str]] = field(default_factory=dict)
    schools_new: int = 0
    to_invite: list[str] = field(default_factory=list)
    dry_run: bool = False

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
        report = self.report
        return {
            "done": self.done,
            "dry_run": self.dry_run,
            "lines": self.noted.lines,
            "counts": self.counts,
            "not_taken": [said for what, said in NOT_TAKEN.items() if self.noted.counts[what]],
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
    def names(self) -> dict[str, list[str]] | None:
        """Whom somebody is to make a leader or to invite, for a sealed column. None if there is nobody."""
        administrators = self.noted.administrators
        if not self.done or not (administrators or self.to_invite):
            return None
        return {"administrators": administrators, "to_invite": self.to_invite}
