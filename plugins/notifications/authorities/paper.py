"""A form to an authority on paper: what is known, what was written, and samples of what people were told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backoffice.language.spoken import speaking
from backoffice.language.texts import gettext
from backoffice.printing.document import INK, MARGIN, QUIET, Paper
from plugins.notifications.authorities import facts
from plugins.notifications.authorities.facts import Known
from plugins.notifications.deadlines.law import Tells
from plugins.notifications.notices import wordings
from plugins.notifications.notices.wordings import Said, Template
from plugins.notifications.sheets import FOOT, Sheets

NAMES = 58.0


@dataclass(frozen=True)
class Form:
    """What a form is printed from. `approved_at` is None while nobody has approved it."""

    template: Template
    said: Said
    known: Known
    is_drill: bool
    approved_at: datetime | None
    samples: Sequence[tuple[Template, Said]]


def printed(form: Form, spoken: str) -> bytes:
    """The form in a language, as PDF, on the paper of where the authority is."""
    with speaking(spoken):
        pages = _Pages(form)
        pages.add_page()
        pages.head()
        pages.facts()
        pages.parts(form.template, form.said, spoken)
        for template, said in form.samples:
            pages.sample(template, said, spoken)
        return pages.as_bytes()


def _paper(known: Known) -> Paper:
    # Whom a state's law has told is in the United States; Europe prints on A4.
    is_american = known["tells"] != Tells.REGULATOR or str(known["rule"]).startswith("us-")
    return Paper.LETTER if is_american else Paper.A4


class _Pages(Sheets):
    def __init__(self, form: Form) -> None:
        super().__init__(
            title=gettext("Notification of a breach"), paper=_paper(form.known), is_drill=form.is_drill
        )
        self._form = form

    def footer(self) -> None:
        """Say of which incident it is, that it is a draft where it is one, and which page."""
        self.set_y(-MARGIN - FOOT + 3)
        about = gettext("Incident %(number)s", number=self._form.known["incident"])
        draft = [] if self._form.approved_at else [gettext("Draft: not approved")]
        self.put(" · ".join([about, *draft, str(self.page_no())]), 8, QUIET)

    def head(self) -> None:
        """To whom it is, by which law, and whether it may be handed in."""
        known = self._form.known
        self.put("Classroom Back Office", 10, QUIET)
        self.ln(2)
        again = known["given_at"] is not None
        self.put_bold(
            gettext("Further information on a breach") if again else gettext("Notification of a breach"), 20
        )
        self.put_bold(facts.who(known), 13)
        self.ln(1)
        if self._form.is_drill:
            self.put(gettext("This is a drill. Nothing of it is real."), 11, INK)
        if self._form.approved_at is None:
            self.put(gettext("Nobody has approved this yet. It is not to be handed in."), 11, INK)
        self.put(gettext("As of %(moment)s", moment=facts.moment(known["at"])), 9, QUIET)

    def facts(self) -> None:
        """What is known, a name and beside it its value."""
        self.ln(3)
        for title, text in facts.in_words(self._form.known):
            if self.get_y() > self.h - MARGIN - FOOT - 10:
                self.add_page()
            top, page = self.get_y(), self.page
            self.put(title, 9, QUIET, width=NAMES - 3)
            below = self.get_y() if self.page == page else top
            self.set_y(top)
            self.put(text, 10, INK, left=MARGIN + NAMES)
            if self.page == page:
                self.set_y(max(below, self.get_y()))
            self.ln(0.8)

    def parts(self, template: Template, said: Said, spoken: str) -> None:
        """What was written, each part under its title."""
        texts: Mapping[str, str] = said.get(wordings.written_in(said, spoken), {})
        for field in template.fields:
            text = texts.get(field.name, "")
            if not text:
                continue
            if self.get_y() > self.h - MARGIN - FOOT - 24:
                self.add_page()
            self.ln(4)
            self.put_bold(str(field.title), 11)
            self.put(text, 10.5, INK)

    def sample(self, template: Template, said: Said, spoken: str) -> None:
        """A notice as people read it, on a page of its own."""
        self.add_page()
        self.put(gettext("Sample of the notice to people"), 10, QUIET)
        self.parts(template, said, spoken)
