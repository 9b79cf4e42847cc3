"""What is wrong with an archive: sentences that quote nothing of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from backoffice.language.moments import amount
from backoffice.language.texts import gettext

# So many are told at once; whoever has mended them finds the others.
MOST_TOLD = 20


@dataclass(frozen=True)
class Problem:
    """What is wrong, in which file of ours, and in its how manieth row; `file` is None for the whole."""

    sentence: str
    file: str | None = None
    row: int | None = None

    @property
    def in_words(self) -> str:
        """The sentence with its place."""
        if self.file is None:
            return str(self.sentence)
        if self.row is None:
            return gettext("%(file)s: %(problem)s", file=self.file, problem=self.sentence)
        return gettext(
            "%(file)s, row %(row)s: %(problem)s",
            file=self.file,
            row=amount(self.row),
            problem=self.sentence,
        )


class Unusable(Exception):
    """An archive cannot be brought in as it is. Nothing has been changed; says all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("The archive cannot be brought in.")
        self.problems = tuple(problems[:MOST_TOLD])

    @classmethod
    def whole(cls, sentence: str) -> "Unusable":
        """One that is about the archive and no row of it."""
        return cls([Problem(str(sentence))])


class Wrong(Exception):
    """A value that is not taken in; says what it is to be."""

    def __init__(self, sentence: str) -> None:
        super().__init__("A value cannot be taken in.")
        self.sentence = str(sentence)


class Found:
    """The problems of one reading, as many as are told."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def add(self, sentence: str, file: str | None = None, row: int | None = None) -> None:
        """Note one more. Raises `Unusable` once there are as many as are told."""
        self._problems.append(Problem(str(sentence), file, row))
        if len(self._problems) >= MOST_TOLD:
            self.refuse()

    def refuse(self) -> None:
        """Raise `Unusable` if there is any."""
        if self._problems:
            raise Unusable(self._problems)
