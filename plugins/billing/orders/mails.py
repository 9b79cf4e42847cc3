"""The mail about an order that could not be placed."""

from dataclasses import dataclass

from backoffice.language.texts import lazy
from backoffice.messages.kind import Always, Category, MessageKind
from backoffice.outbox.mail import Mail


@dataclass(frozen=True)
class OrderFailed:
    """Of which school or district, where its page is, and the number of the quote."""

    place: str
    payer: str
    number: str

    @classmethod
    def example(cls) -> "OrderFailed":
        """An order that could be."""
        return cls("Quillfeather School", "k7m2p9q4r8t3v6wx", "Q-2026-7TZP4RKW")


ORDER_FAILED = Mail("order-failed", OrderFailed, lazy("Purchase order not placed"))
MAILS = (ORDER_FAILED,)
MESSAGES = (
    MessageKind(
        ORDER_FAILED,
        Category.REQUEST,
        lazy("A purchase order could not be placed. The page says what to do."),
        Always.MONEY,
        "/console/billing/{}/quotes",
    ),
)
