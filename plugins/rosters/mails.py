"""The mail that tells a leader how an import ended."""

from dataclasses import dataclass

from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail


@dataclass(frozen=True)
class ImportFinished:
    """`state` is done, looked (at, and waiting), refused or failed; `counts` say of what how many."""

    public_id: str
    state: str
    counts: tuple[tuple[str, int], ...]

    @classmethod
    def example(cls) -> "ImportFinished":
        """An import that went well."""
        return cls("abcd2345efgh6789", "done", (("classes new", 42), ("students new", 72)))


IMPORT_FINISHED = Mail("import-finished", ImportFinished, lazy("Roster import finished"))
