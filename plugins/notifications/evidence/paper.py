"""An incident on paper, for whoever reads no JSON: the same facts, and each rule once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from backoffice.language.moments import amount
from backoffice.language.texts import gettext
from backoffice.printing.document import INK, MARGIN, QUIET, Paper
from plugins.notifications import words
from plugins.notifications.deadlines.facts import Encrypted, Risk, Role
from plugins.notifications.deadlines.law import Rule
from plugins.notifications.hooks.words import PROGRESS as CALLS
from plugins.notifications.models import EntryKind
from plugins.notifications.notices.models import Audience, NoticeState, StepKind
from plugins.notifications.notices.showing import PROGRESS, STEPS, state_in_words
from plugins.notifications.notices.wordings import AUDIENCES
from plugins.notifications.said import Clock
from plugins.notifications.sheets import FOOT, Sheets
from plugins.notifications.words import ENCRYPTED, ENTRIES, FACTS, KINDS, RISKS, ROLES

NAMES = 48.0
MOMENTS = ("noticed_at", "determined_at", "confirmed_at", "held_since", "held_until")

Told = Mapping[str, Any]


def printed(
    told: Told, clocks: Sequence[Clock], not_owed: Sequence[tuple[Rule, str]], *, paper: Paper
) -> bytes:
    """What a bundle tells (`content.content_of`), as PDF. Of the clocks each rule stands there once."""
    pages = _Pages(told, paper)
    pages.add_page()
    pages.head()
    _facts(pages, told["facts"])
    _clocks(pages, clocks, not_owed)
    _schools(pages, told["schools"])
    _notices(pages, told["notices"])
    _tasks(pages, told["tasks"])
    _timeline(pages, told["timeline"])
    return pages.as_bytes()


class _Pages(Sheets):
    def __init__(self, told: Told, paper: Paper) -> None:
        super().__init__(title=gettext("Evidence of an incident"), paper=paper, is_drill=told["drill"])
        self._told = told

    def footer(self) -> None:
        """Say of which incident it is, as of when, and which page."""
        self.set_y(-MARGIN - FOOT + 3)
        about = gettext(
            "Incident %(number)s, as of %(at)s",
            number=self._told["incident"],
            at=moment(self._told["made_at"]),
        )
        self.put(f"{about} · {self.page_no()}", 8, QUIET)

    def head(self) -> None:
        """What it is and how it is checked."""
        self.put(f"{gettext('Evidence of an incident')} · Classroom Back Office", 10, QUIET)
        self.ln(2)
        self.put_bold(self._told["facts"]["title"], 20)
        self.ln(1)
        if self._told["drill"]:
            self.put(gettext("This is a drill. Nothing of it is real."), 11, INK)
        if played := self._told["played"]:
            self.put(_pace_of(played), 9.5, INK)
        self.put(
            gettext(
                "Moments are in UTC. Founders are letters, the same one for the same person. The file"
                " incident.json beside it says the same row by row, and README.txt how both are checked."
            ),
            9,
            QUIET,
        )

    def heading(self, text: str) -> None:
        """Where a part begins, with room for some of it below."""
        if self.get_y() > self.h - MARGIN - FOOT - 24:
            self.add_page()
        self.ln(5)
        self.put_bold(text, 13)
        self.ln(1)

    def fact(self, name: str, value: str | None) -> None:
        """A name and beside it its value, over as many lines as it needs."""
        if not value:
            return
        if self.get_y() > self.h - MARGIN - FOOT - 8:
            self.add_page()
        top, page = self.get_y(), self.page
        self.put(name, 9, QUIET, width=NAMES - 3)
        below = self.get_y() if self.page == page else top
        self.set_y(top)
        self.put(value, 9.5, INK, left=MARGIN + NAMES)
        if self.page == page:
            self.set_y(max(below, self.get_y()))
        self.ln(0.8)

    def entry(self, first: Iterable[str | None], *more: str | None) -> None:
        """A line of small facts, and below it what was said."""
        if self.get_y() > self.h - MARGIN - FOOT - 12:
            self.add_page()
        self.put(" · ".join(filter(None, first)), 8.5, QUIET)
        for each in filter(None, more):
            self.put(each, 9.5, INK)
        self.ln(1.6)


def moment(at: str | datetime | None) -> str | None:
    """A moment as it stands on paper."""
    if at is None:
        return None
    known = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{known.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _pace_of(played: Told) -> str:
    said = gettext("Time ran %(number)s times faster.", number=amount(played["faster"]))
    if played["score"] is None:
        return said
    return f"{said} {gettext('It scored %(score)s of 100.', score=amount(played['score']))}"


def _facts(pages: _Pages, told: Told) -> None:
    pages.heading(gettext("What is known"))
    pages.fact(str(FACTS["what"]), told["what"])
    pages.fact(str(FACTS["systems"]), told["systems"])
    pages.fact(str(FACTS["kinds"]), ", ".join(str(KINDS.get(each, each)) for each in told["kinds"]))
    pages.fact(str(FACTS["encrypted"]), str(ENCRYPTED[Encrypted(told["encrypted"])]))
    pages.fact(str(FACTS["role"]), str(ROLES[Role(told["role"])]))
    pages.fact(str(FACTS["risk"]), str(RISKS[Risk(told["risk"])]))
    for name in MOMENTS:
        pages.fact(str(FACTS[name]), moment(told[name]))
    pages.fact(gettext("Opened"), moment(told["opened_at"]))
    pages.fact(gettext("Closed"), moment(told["closed_at"]))


def _clocks(pages: _Pages, clocks: Sequence[Clock], not_owed: Sequence[tuple[Rule, str]]) -> None:
    pages.heading(gettext("Who has to be told by when"))
    if not clocks:
        pages.entry([gettext("By what is known, nobody has to be told by law.")])
    for each in clocks:
        rule = f"{each.rule.law} ({each.rule.citation})"
        far = gettext(
            "%(done)s of %(number)s done, %(late)s of them late",
            done=amount(each.done),
            number=amount(each.number),
            late=amount(each.late),
        )
        pages.entry([rule, gettext("told by the school") if not each.is_ours else None], _told_by(each, far))
    for free, why in not_owed:
        pages.entry([f"{free.law} ({free.citation})"], gettext("Nothing is owed: %(why)s", why=str(why)))


def _told_by(each: Clock, far: str) -> str:
    said = [str(each.tells), str(each.state), far]
    if each.due is not None:
        said.append(gettext("by %(moment)s", moment=moment(each.due)))
    if each.note:
        said.append(str(each.note))
    return " · ".join(said)


def _schools(pages: _Pages, told: Sequence[Told]) -> None:
    pages.heading(gettext("Schools"))
    for each in told:
        people = words.people(each["students"], each["staff"], each["parents"])
        steps = (
            (gettext("the school told"), each["told_at"]),
            (gettext("its people told"), each["individuals_told_at"]),
            (gettext("left out"), each["left_out_at"]),
        )
        done = [f"{name} {moment(at)}" for name, at in steps if at]
        pages.entry(
            [each["place"], people],
            " · ".join([each["name"] or gettext("A school that is gone"), *done]),
            each["late_reason"],
        )


def _notices(pages: _Pages, told: Sequence[Told]) -> None:
    pages.heading(gettext("Notices"))
    if not told:
        pages.entry([gettext("None yet.")])
    for each in told:
        counts = [
            f"{title}: {amount(each['deliveries'][state])}"
            for state, title in PROGRESS.items()
            if state in each["deliveries"]
        ]
        counts += [
            f"{title}: {amount(each['district_systems'][state])}"
            for state, title in CALLS.items()
            if state in each["district_systems"]
        ]
        state, _tone = state_in_words(Audience(each["audience"]), NoticeState(each["state"]))
        law = each["facts"]["law"] if each["facts"] else each["rule"]
        pages.entry(
            [
                str(AUDIENCES[Audience(each["audience"])]),
                law,
                f"{each['template']} {each['template_version']}",
            ],
            " · ".join([str(state), *counts]),
            gettext("Told late: %(reason)s", reason=each["late_reason"]) if each["late_reason"] else None,
        )
        for step in each["steps"]:
            pages.entry(
                [moment(step["done_at"]), step["by"]], str(STEPS[StepKind(step["kind"])]), step["reason"]
            )


def _tasks(pages: _Pages, told: Sequence[Told]) -> None:
    if not told:
        return
    pages.heading(gettext("Tasks"))
    for each in told:
        done = gettext("done %(moment)s", moment=moment(each["done_at"])) if each["done_at"] else None
        due = gettext("by %(moment)s", moment=moment(each["due_at"])) if each["due_at"] else None
        pages.entry([due, done, each["done_by"]], each["said"])


def _timeline(pages: _Pages, told: Sequence[Told]) -> None:
    pages.heading(gettext("Timeline"))
    for each in told:
        why = gettext("Why: %(reason)s", reason=each["reason"]) if each["reason"] else None
        pages.entry(
            [moment(each["happened_at"]), str(ENTRIES[EntryKind(each["kind"])]), each["by"]],
            each["said"],
            why,
        )
