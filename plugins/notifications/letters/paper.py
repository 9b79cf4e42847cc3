"""Letters on paper: one sheet that says where all of them go, and then each on pages of its own.

The address stands where the window of an envelope shows it: of DIN lang for A4 (DIN 5008, form B), and for
letter paper of a number 10, where the sheet has 12 mm of play, so that it begins lower. It is as wide as both
windows show; what is longer goes on in the next line, and pushes the letter down.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from backoffice.language.moments import amount, long_day
from backoffice.language.spoken import speaking
from backoffice.language.texts import gettext, ngettext
from backoffice.printing.document import INK, MARGIN, QUIET, Paper, paper_of
from plugins.notifications.notices import wordings
from plugins.notifications.notices.wordings import Said, Template
from plugins.notifications.sheets import FOOT, Sheets

SIDE, WIDE, NUMBER = 24.0, 80.0, 12.0
WINDOW = {Paper.A4: 50.0, Paper.LETTER: 64.0}
BODY = {Paper.A4: 96.0, Paper.LETTER: 104.0}


@dataclass(frozen=True)
class Addressed:
    """To whom one letter goes, in their language: a person in care of a school, or the school itself."""

    person: str | None
    school: str
    lines: tuple[str, ...]
    language: str
    country: str

    @property
    def window(self) -> list[str]:
        """The lines of the address, none twice where the school's name begins it already."""
        first = [self.person, gettext("c/o %(school)s", school=self.school)] if self.person else [self.school]
        own = self.lines[1:] if self.lines[:1] == (self.school,) else self.lines
        return [*first, *own]


@dataclass(frozen=True)
class Sent:
    """What all letters of a notice have in common."""

    template: Template
    said: Said
    incident: str
    is_drill: bool
    at: datetime


def printed(
    sent: Sent, letters: Sequence[Addressed], told: Callable[[int], None] = lambda _done: None
) -> bytes:
    """The address sheet in the language that is spoken, and the letters behind it in its order, as PDF.

    `told` hears how many are shaped.
    """
    pages = _Letters(sent, paper_of(letters[0].country) if letters else Paper.A4)
    pages.sheet(letters)
    for number, each in enumerate(letters, 1):
        with speaking(each.language):
            pages.letter(each, number)
        told(number)
    return pages.as_bytes()


def example(sent: Sent, spoken: str) -> bytes:
    """One letter to nobody, as it is read in a language, as PDF."""
    with speaking(spoken):
        place = Addressed(
            gettext("Name of the person"),
            gettext("Name of the school"),
            (gettext("Postal address"),),
            spoken,
            "US",
        )
        pages = _Letters(sent, paper_of(place.country))
        pages.letter(place, None)
    return pages.as_bytes()


class _Letters(Sheets):
    def __init__(self, sent: Sent, paper: Paper) -> None:
        super().__init__(title=gettext("Letters"), paper=paper, is_drill=sent.is_drill)
        self._sent = sent
        # What the foot says on the page that stands, and on the one that is begun: the old page gets its foot
        # when the new one begins.
        self._foot, self._next_foot, self._page_of = "", "", 0

    def header(self) -> None:
        """Go on to the next page's foot, and say of a drill that it is one."""
        self._page_of = 1 if self._foot != self._next_foot else self._page_of + 1
        self._foot = self._next_foot
        super().header()

    def footer(self) -> None:
        """Which page of which letter it is."""
        self.set_y(-MARGIN - FOOT + 3)
        self.put(f"{self._foot} · {self._page_of}", 8, QUIET, left=MARGIN)

    def sheet(self, letters: Sequence[Addressed]) -> None:
        """Where all of them go, by number."""
        self._next_foot = gettext("Address sheet")
        self.add_page()
        self.put_bold(gettext("Address sheet"), 18)
        self.ln(1)
        about = ngettext(
            "%(number)s letter about incident %(incident)s, made %(day)s",
            "%(number)s letters about incident %(incident)s, made %(day)s",
            len(letters),
            number=amount(len(letters)),
            incident=self._sent.incident,
            day=long_day(self._sent.at.date()),
        )
        self.put(about, 10, QUIET)
        self.ln(4)
        for number, each in enumerate(letters, 1):
            text = ", ".join(each.window)
            if self.get_y() > self.h - MARGIN - FOOT - 12:
                self.add_page()
            top = self.get_y()
            self.put(amount(number), 10, QUIET, width=NUMBER)
            self.set_y(top)
            self.put(text, 10, INK, left=MARGIN + NUMBER)
            self.ln(1.2)

    def letter(self, to: Addressed, number: int | None) -> None:
        """One letter, with the address where the window of an envelope is."""
        about = gettext("About incident %(incident)s", incident=self._sent.incident)
        which = [] if number is None else [gettext("Letter %(number)s", number=amount(number))]
        self._next_foot = " · ".join([about, *which])
        self.set_left_margin(SIDE)
        self.set_right_margin(SIDE)
        sheet = paper_of(to.country)
        self.add_page(format=sheet.value)
        self.set_y(WINDOW[sheet] - 7)
        self.put("Classroom Back Office", 8, QUIET)
        self.set_y(WINDOW[sheet])
        for line in to.window:
            self.put(line, 10.5, INK, width=WIDE)
        self.set_y(max(BODY[sheet], self.get_y() + 8))
        self.put(long_day(self._sent.at.date()), 10, QUIET)
        self.ln(5)
        spoken = wordings.written_in(self._sent.said, to.language)
        texts = self._sent.said.get(spoken, {})
        self.put_bold(texts.get("heading", ""), 14)
        self.ln(2)
        self.put(gettext("Hello %(recipient)s,", recipient=to.person or to.school), 10.5, INK)
        if self._sent.is_drill:
            self.put(gettext("This is a drill. Nothing of it is real."), 10.5, INK)
        for field in self._sent.template.fields:
            if field.name != "heading":
                self._part(str(field.title), texts.get(field.name, ""))
        self.ln(5)
        self.put("Classroom Back Office", 10.5, INK)

    def _part(self, title: str, text: str) -> None:
        if self.get_y() > self.h - MARGIN - FOOT - 24:
            self.add_page()
        self.ln(4)
        self.put_bold(title, 10.5)
        self.put(text, 10.5, INK)
