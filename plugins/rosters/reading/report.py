"""What a roster's reading found: problems that stop it, warnings that do not, and what was dropped."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

# Of one kind of problem in one file, so many lines are told; the rest are counted.
MOST_TOLD = 20


class Severity(StrEnum):
    """Whether it stops the import."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where it is, and what to do. It never quotes a value of the file."""

    severity: Severity
    file: str
    line: int | None
    column: str | None
    sentence: str
    remedy: str


@dataclass
class Report:
    """Everything that was found, in constant memory however much it is.

    `counts` has the number of every kind of problem, told or not. `dropped` counts values that were not
    taken, by "file column".
    """

    problems: list[Problem] = field(default_factory=list)
    counts: Counter[tuple[Severity, str, str | None, str]] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)

    def add(
        self,
        severity: Severity,
        file: str,
        sentence: str,
        remedy: str,
        *,
        line: int | None = None,
        column: str | None = None,
        times: int = 1,
    ) -> None:
        """Note a problem; `times` lines have it, `line` is the first of them."""
        # Kept in English, by which every language knows it.
        sentence, remedy = str.__str__(sentence), str.__str__(remedy)
        kind = (severity, file, column, sentence)
        if self.counts[kind] < MOST_TOLD:
            self.problems.append(Problem(severity, file, line, column, sentence, remedy))
        self.counts[kind] += times

    def error(self, file: str, sentence: str, remedy: str, **where: object) -> None:
        """Note something that stops the import."""
        self.add(Severity.ERROR, file, sentence, remedy, **where)  # type: ignore[arg-type]

    def warn(self, file: str, sentence: str, remedy: str, **where: object) -> None:
        """Note something that does not stop it."""
        self.add(Severity.WARNING, file, sentence, remedy, **where)  # type: ignore[arg-type]

    @property
    def stops(self) -> bool:
        """Whether the import may not go on."""
        return any(severity is Severity.ERROR for severity, *_rest in self.counts)
