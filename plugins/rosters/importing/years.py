"""Of which school years the terms of a roster are."""

from collections.abc import Iterable

from plugins.rosters.reading.records import Session


class Years:
    """The sessions of a set: a year, its terms, their parts, each with the one that it is in."""

    def __init__(self) -> None:
        self._parents: dict[str, str | None] = {}

    def add(self, sessions: Iterable[Session]) -> None:
        """Take in some more."""
        self._parents.update((session.source_id, session.parent) for session in sessions)

    def of(self, terms: Iterable[str]) -> tuple[str, ...]:
        """The years in which these terms are, in one order. A term of no year stands for itself."""
        return tuple(sorted({self._year(term) for term in terms}))

    def _year(self, term: str) -> str:
        seen: set[str] = set()
        # Sessions that lie in each other are the file's mistake, and no reason to go round for ever.
        while term not in seen and (parent := self._parents.get(term)) is not None:
            seen.add(term)
            term = parent
        return term
