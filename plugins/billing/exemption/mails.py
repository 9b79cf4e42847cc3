"""The mails about certificates that end."""

from dataclasses import dataclass
from datetime import date

from backoffice.language.texts import lazy
from backoffice.messages.kind import Always, Category, MessageKind
from backoffice.outbox.mail import Mail


@dataclass(frozen=True)
class CertificateEnds:
    """Of which school or district, where its page is, and the last day on which its certificate holds."""

    place: str
    payer: str
    last_day: date

    @classmethod
    def example(cls) -> "CertificateEnds":
        """A school that could be."""
        return cls("Quillfeather School", "k7m2p9q4r8t3v6wx", date(2027, 6, 30))


CERTIFICATE_ENDS = Mail("certificate-ends", CertificateEnds, lazy("Tax certificate ends soon"))
CERTIFICATE_OVER = Mail("certificate-over", CertificateEnds, lazy("Tax certificate is over"))
MAILS = (CERTIFICATE_ENDS, CERTIFICATE_OVER)
_PAGE = "/console/billing/{}/exemption"
MESSAGES = (
    MessageKind(
        CERTIFICATE_ENDS,
        Category.WARNING,
        lazy("A tax certificate ends soon. Hand in a new one."),
        Always.MONEY,
        _PAGE,
    ),
    MessageKind(
        CERTIFICATE_OVER,
        Category.WARNING,
        lazy("A tax certificate is over. Invoices have tax on them again."),
        Always.MONEY,
        _PAGE,
    ),
)
