"""A child's progress in one class, on one page of paper."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date

from backoffice.language import moments
from backoffice.language.texts import gettext
from backoffice.printing.document import FONT, MARGIN, Document, Paper, unprintable

INK, QUIET, LINE = (22, 33, 28), (92, 105, 98), (205, 209, 199)
GIVEN, TAKEN, SOFT = (20, 97, 77), (199, 125, 20), (243, 245, 240)
LONGEST_LIST = 10


@dataclass(frozen=True)
class WeekOfPoints:
    """What was given and taken (below zero) in the week from a Monday on."""

    monday: date
    given: int
    taken: int


@dataclass(frozen=True)
class Line:
    """What was awarded: for what, when or how often, and how many points."""

    label: str
    when: str
    points: int


@dataclass(frozen=True)
class Progress:
    """What the page says. Weeks are in order; lists begin with what comes first."""

    name: str
    classroom: str
    school: str
    day: date
    points: int
    goal: int | None
    weeks: Sequence[WeekOfPoints]
    actions: Sequence[Line]
    awards: Sequence[Line]


def printed(paper: Paper, *each: Progress) -> bytes:
    """A page for each as PDF."""
    document = Document(title=gettext("Progress report"), paper=paper)
    for progress in each:
        page = _Page(document)
        page.head(progress)
        page.figures(progress)
        page.chart(progress.weeks)
        page.lists(progress)
    return document.as_bytes()


class _Page:
    """A new page as it fills from top to bottom."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.document.add_page()
        self.width = self.document.w - 2 * MARGIN
        self.y = MARGIN

    def head(self, progress: Progress) -> None:
        """Who, where and when."""
        document = self.document
        self._say(f"{gettext('Progress report')} · {moments.day_of_year(progress.day)}", 10, QUIET)
        self.y += 6
        name = _printable(progress.name)
        if name:
            with self._bold():
                self._say(name, 24)
        else:
            # No font here has the letters: the name is written by hand.
            document.set_draw_color(*LINE)
            document.line(MARGIN + 1, self.y + 9, MARGIN + 90, self.y + 9)
        self.y += 12
        where = " · ".join(filter(None, (_printable(progress.classroom), _printable(progress.school))))
        self._say(where, 11, QUIET)
        self.y += 11

    def figures(self, progress: Progress) -> None:
        """The points now, those of these weeks, and the goal."""
        given = sum(week.given for week in progress.weeks)
        taken = sum(week.taken for week in progress.weeks)
        lately = gettext("in %(count)s weeks", count=len(progress.weeks))
        figures = [(str(progress.points), gettext("points altogether")), (f"+{given}", lately)]
        if taken:
            figures.append((str(taken), lately))
        if progress.goal:
            reached = progress.points >= progress.goal
            figures.append(
                (
                    str(progress.goal),
                    gettext("is the goal, and reached") if reached else gettext("is the goal"),
                )
            )
        gap = 4.0
        width = (self.width - gap * (len(figures) - 1)) / len(figures)
        document = self.document
        for number, (figure, said) in enumerate(figures):
            x = MARGIN + number * (width + gap)
            document.set_fill_color(*SOFT)
            document.rect(x, self.y, width, 19, style="F", round_corners=True, corner_radius=2.5)
            with self._bold():
                document.text_within(_minus(figure), x=x + 2, y=self.y + 2.5, width=width - 4, size=18)
            document.set_text_color(*QUIET)
            document.text_within(said, x=x + 2, y=self.y + 12, width=width - 4, size=9)
        self.y += 27

    def chart(self, weeks: Sequence[WeekOfPoints]) -> None:
        """The weeks as bars: what was given stands up, what was taken hangs down."""
        self._heading(gettext("Points by week"))
        document, height = self.document, 38.0
        most = max((week.given for week in weeks), default=0)
        least = min((week.taken for week in weeks), default=0)
        scale = height / max(most - least, 1)
        top = self.y + 5
        zero = top + most * scale if most > least else top + height
        step = self.width / max(len(weeks), 1)
        bar = min(step * 0.6, 14)
        for number, week in enumerate(weeks):
            x = MARGIN + step * number + (step - bar) / 2
            for value, colour in ((week.given, GIVEN), (week.taken, TAKEN)):
                if value:
                    document.set_fill_color(*colour)
                    document.rect(x, min(zero, zero - value * scale), bar, abs(value) * scale, style="F")
            left = MARGIN + step * number
            if week.given:
                self._small(str(week.given), left, zero - week.given * scale - 4.5, step)
            if week.taken:
                self._small(_minus(str(week.taken)), left, zero - week.taken * scale + 0.5, step)
            self._small(moments.short_day(week.monday), left, top + height + 4.5, step)
        document.set_draw_color(*LINE)
        document.line(MARGIN, zero, MARGIN + self.width, zero)
        self.y = top + height + 14

    def lists(self, progress: Progress) -> None:
        """By Action, and below it the last awards."""
        for heading, lines, none in (
            (
                gettext("By Action, in %(count)s weeks", count=len(progress.weeks)),
                progress.actions,
                gettext("Nothing in these weeks."),
            ),
            (gettext("Last awards"), progress.awards, gettext("Nothing yet.")),
        ):
            self._heading(heading)
            for line in lines[:LONGEST_LIST]:
                self._line(line)
            if len(lines) > LONGEST_LIST:
                self._say(gettext("and %(count)s more", count=len(lines) - LONGEST_LIST), 9, QUIET)
                self.y += 6
            if not lines:
                self._say(none, 10, QUIET)
                self.y += 6
            self.y += 5

    def _bold(self) -> AbstractContextManager[None]:
        # The stroke that makes letters bold has the colour of lines.
        self.document.set_draw_color(*INK)
        self.document.set_text_color(*INK)
        return self.document.bold()

    def _line(self, line: Line) -> None:
        document, wide = self.document, self.width
        document.set_text_color(*INK)
        document.text_within(_printable(line.label) or "—", x=MARGIN, y=self.y, width=wide * 0.56, size=10.5)
        document.set_text_color(*QUIET)
        document.text_within(line.when, x=MARGIN + wide * 0.56, y=self.y, width=wide * 0.28, size=9.5)
        figure = f"+{line.points}" if line.points > 0 else _minus(str(line.points))
        with self._bold():
            document.text_within(
                figure, x=MARGIN + wide * 0.84, y=self.y, width=wide * 0.16, size=10.5, align="R"
            )
        self.y += 5.6
        document.set_draw_color(*SOFT)
        document.line(MARGIN, self.y - 0.3, MARGIN + wide, self.y - 0.3)

    def _heading(self, text: str) -> None:
        with self._bold():
            self._say(text, 12)
        self.y += 7

    def _small(self, text: str, x: float, y: float, width: float) -> None:
        self.document.set_text_color(*QUIET)
        self.document.set_font(FONT, size=8)
        self.document.text_within(text, x=x, y=y, width=width, size=8, align="C")

    def _say(self, text: str, size: float, colour: tuple[int, int, int] = INK) -> None:
        self.document.set_text_color(*colour)
        self.document.text_within(text, x=MARGIN, y=self.y, width=self.width, size=size)


def _printable(text: str) -> str:
    missing = set(unprintable(text))
    return " ".join("".join(each for each in text if each not in missing).split())


def _minus(figure: str) -> str:
    return figure.replace("-", "\u2212")
