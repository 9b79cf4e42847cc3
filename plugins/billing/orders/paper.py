"""A quote on paper: what is offered, until when, how it is ordered, and who is paid. It names no person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from backoffice.language.moments import amount, long_day
from backoffice.language.texts import gettext, ngettext
from backoffice.printing.document import INK, MARGIN, QUIET, RULE, Document, Paper, unprintable

NAMES = 62.0


@dataclass(frozen=True)
class Offer:
    """What a quote says, in the words and amounts of its reader's language."""

    number: str
    made: date
    until: date
    payer: str
    address: str
    plan: str
    holds: Sequence[str]
    seats: int
    each: str
    total: str
    days: int
    payee: Sequence[str]
    tax_number: str


def printed(offer: Offer, paper: Paper) -> bytes:
    """The quote as a PDF of one page."""
    page = _Page(paper)
    page.add_page()
    page.head(offer)
    page.facts(
        [
            (gettext("For"), "\n".join(filter(None, (offer.payer, offer.address)))),
            (gettext("Plan"), offer.plan),
            (gettext("It holds"), "\n".join(offer.holds)),
            (gettext("Teachers"), amount(offer.seats)),
            (gettext("Price"), offer.each),
        ]
    )
    page.total(offer)
    page.ordering(offer)
    return page.as_bytes()


class _Page(Document):
    def __init__(self, paper: Paper) -> None:
        super().__init__(title=gettext("Quote"), paper=paper)
        self.c_margin = 0

    def head(self, offer: Offer) -> None:
        """What it is, its number and its days."""
        self.put("Classroom Back Office", 10, QUIET)
        self.ln(3)
        self.put_bold(gettext("Quote %(number)s", number=offer.number), 20)
        self.ln(1)
        self.put(gettext("Made on %(day)s", day=long_day(offer.made)), 10.5, QUIET)
        self.put(gettext("Can be ordered until %(day)s", day=long_day(offer.until)), 10.5, QUIET)
        self.ln(6)

    def facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """A name, and beside it what it says."""
        for title, said in facts:
            top = self.get_y()
            self.put(title, 10, QUIET, width=NAMES - 4)
            below = self.get_y()
            self.set_y(top)
            self.put(said, 11, INK, left=MARGIN + NAMES)
            self.set_y(max(below, self.get_y()))
            self.ln(1.6)

    def total(self, offer: Offer) -> None:
        """What it comes to, under a line."""
        self.ln(2)
        self.set_draw_color(*RULE)
        self.line(MARGIN, self.get_y(), self.w - MARGIN, self.get_y())
        self.ln(3)
        top = self.get_y()
        self.put(gettext("Total, before tax"), 12, INK, width=NAMES - 4)
        self.set_y(top)
        self.put_bold(offer.total, 14, left=MARGIN + NAMES)
        self.ln(7)

    def ordering(self, offer: Offer) -> None:
        """How it is ordered and paid, and whom."""
        self.put_bold(gettext("How to order"), 13)
        self.ln(1)
        for line in (
            gettext(
                "Whoever leads the school opens Subscription, chooses this quote there, and hands in the"
                " purchase order: its number and the file."
            ),
            ngettext(
                "The invoice comes by e-mail, with the number of the order on it, and is to be paid within"
                " %(num)s day.",
                "The invoice comes by e-mail, with the number of the order on it, and is to be paid within"
                " %(num)s days.",
                offer.days,
            ),
            gettext(
                "It can be paid by cheque, by transfer or by card. The school can use everything from the"
                " order on."
            ),
            gettext("A school that pays no sales tax hands in its certificate on the same page first."),
        ):
            self.put(line, 10.5, INK)
            self.ln(1.2)
        if not offer.payee:
            return
        self.ln(5)
        self.put_bold(gettext("Who is paid"), 13)
        self.ln(1)
        for line in offer.payee:
            self.put(line, 10.5, INK)
        if offer.tax_number:
            self.put(gettext("Tax number: %(number)s", number=offer.tax_number), 10.5, INK)

    def put(
        self,
        text: str,
        size: float,
        colour: tuple[int, int, int],
        *,
        left: float | None = None,
        width: float | None = None,
    ) -> None:
        """As any document has it; what no font has is left out."""
        missing = set(unprintable(text))
        text = "".join(each for each in text if each not in missing) or "-"
        super().put(text, size, colour, left=left, width=width)
