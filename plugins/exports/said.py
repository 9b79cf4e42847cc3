"""How exports are told on pages: what each is of, how far it is, and what can be done with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from backoffice import clock
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds.extent import installed
from backoffice.privacy.inventory import title_of
from plugins.exports.content.kinds import name_of
from plugins.exports.content.locking import opened_by
from plugins.exports.models import DestroyedFor, Export, ExportState
from plugins.exports.queries import Named
from plugins.exports.services import link_of
from plugins.exports.settings import ExportsSettings

STATES: Mapping[str, tuple[str, str]] = {
    ExportState.QUEUED: (lazy("Waiting"), "info"),
    ExportState.MAKING: (lazy("Being made"), "info"),
    ExportState.READY: (lazy("Ready"), "good"),
    ExportState.FAILED: (lazy("Failed"), "bad"),
    ExportState.CANCELLED: (lazy("Given up"), "mute"),
    ExportState.DESTROYED: (lazy("Destroyed"), "mute"),
}
OF: Mapping[str, str] = {
    Subject.STUDENT: lazy("A student"),
    Subject.CLASSROOM: lazy("A class"),
    Subject.SCHOOL: lazy("A school"),
    Subject.DISTRICT: lazy("A district"),
    Subject.ACCOUNT: lazy("An account"),
}
ASKED = lazy("The export is being made. You get a mail when it can be fetched.")
# What runs of jobs count.
COUNTED = (
    lazy("exports given up"),
    lazy("exports made"),
    lazy("exports over"),
    lazy("files destroyed"),
)
KILO = 1000
UNITS = ("kB", "MB", "GB")


@dataclass(frozen=True)
class Shown:
    """One export, as a page shows it."""

    row: Export
    title: str
    by: str
    state: str
    tone: str
    sentence: str
    size: str
    until: datetime | None
    left: int
    counts: list[tuple[str, int]]
    opened_by: str
    fetch_url: str | None
    cancel_url: str | None

    @property
    def is_under_way(self) -> bool:
        """Whether its page is to look again."""
        return ExportState(self.row.state).is_under_way


def shown(named: Named, limits: ExportsSettings, *, own: bool) -> Shown:
    """An export for its page; of others' there is nothing to fetch."""
    row = named.row
    state, tone = STATES[row.state]
    left = max(limits.downloads - row.downloads, 0)
    until = row.ready_at + limits.kept if row.ready_at is not None else None
    ready = row.state == ExportState.READY and until is not None and clock.now() < until and left > 0
    here = f"/account/exports/{row.public_id}"
    return Shown(
        row=row,
        title=named.name or (_of_oneself(row) if own and row.subject == Subject.ACCOUNT else OF[row.subject]),
        by=named.by,
        state=state,
        tone=tone,
        sentence=_sentence(named),
        size=size(row.size) if row.size is not None else "",
        until=until,
        left=left,
        counts=_counted(row),
        opened_by=opened_by(row.public_id) if own and row.locked else "",
        fetch_url=f"{here}/file?signed={link_of(row)}" if own and ready else None,
        cancel_url=f"{here}/cancel" if own and ExportState(row.state).is_under_way else None,
    )


def _counted(row: Export) -> list[tuple[str, int]]:
    """How many rows of which kind it has, the most first."""
    titles = {name_of(table): title_of(table) for table in installed().tables}
    found = [(str(titles.get(kind, kind)), number) for kind, number in (row.counts or {}).items() if number]
    return sorted(found, key=lambda each: (-each[1], each[0]))


def _of_oneself(row: Export) -> str:
    return gettext("My account and my classes") if row.rooms else gettext("My account")


def _sentence(named: Named) -> str:
    row = named.row
    if row.state == ExportState.QUEUED:
        if not named.ahead:
            return gettext("It is the next.")
        return ngettext("%(num)s export waits before it.", "%(num)s exports wait before it.", named.ahead)
    if row.state == ExportState.MAKING:
        return gettext("%(rows)s rows are written so far.", rows=amount(row.done))
    if row.state == ExportState.FAILED:
        return gettext("It could not be made. Ask for it again, if you still may take this along.")
    if row.destroyed_for == DestroyedFor.ERASED:
        return gettext("Somebody who was in it has been erased, so it went too. Ask for a new one.")
    return ""


def size(number: int) -> str:
    """A number of bytes, as people say it."""
    rest, unit = float(number), "B"
    for larger in UNITS:
        if rest < KILO:
            break
        rest, unit = rest / KILO, larger
    return f"{amount(round(rest))} {unit}"
