"""The mails of notices: the notice itself, and what founders and schools are told about how it went out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail
from plugins.notifications.notices.models import Audience
from plugins.notifications.notices.wordings import ENGLISH, Said, written_in

_EXAMPLE = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class NoticeV1:
    """What a notice says, to whom, and in which language it is written."""

    audience: str
    written_in: str
    heading: str
    what: str
    when: str
    which: str
    we_do: str
    you_do: str
    contact: str

    @classmethod
    def of(cls, said: Said, *, audience: str, language: str) -> "NoticeV1":
        """A notice for somebody who reads a language."""
        found = written_in(said, language)
        return cls(audience=audience, written_in=found, **said[found])

    @classmethod
    def example(cls) -> "NoticeV1":
        """One with a heading and texts that would show if they were not escaped."""
        return cls(
            audience=Audience.STAFF,
            written_in=ENGLISH,
            heading="What happened to lists of classes <on Monday>",
            what="Somebody could read lists of classes.\nThey could change nothing.",
            when="From 9:00 to 9:20 on Monday.",
            which="Names of classes & teachers.",
            we_do="We have closed the gap.",
            you_do="There is nothing that you have to do.",
            contact="security@quillfeather.example",
        )


@dataclass(frozen=True)
class NoticeStepTold:
    """What became of a notice of which incident, by whom if by somebody, and until when somebody looks."""

    step: str
    incident: str
    notice: str
    by: str | None
    at: datetime
    until: datetime | None = None

    @classmethod
    def example(cls) -> "NoticeStepTold":
        """One that was proposed."""
        return cls("proposed", "k7m2p9q4r8t3v6wx", "n7m2p9q4r8t3v6wx", "Robin Quillfeather", _EXAMPLE)


@dataclass(frozen=True)
class NoticeAlone:
    """When one founder let a notice go out alone, and by when another looks at it."""

    at: datetime
    until: datetime

    @classmethod
    def example(cls) -> "NoticeAlone":
        """One that could be."""
        return cls(_EXAMPLE, datetime(2026, 11, 30, 9, 30, tzinfo=UTC))


NOTICE_V1 = Mail("notice-v1", NoticeV1, lazy("Notice about an incident"))
NOTICE_STEP = Mail("notice-step", NoticeStepTold, lazy("Decision about a notice"))
NOTICE_ALONE = Mail("notice-alone", NoticeAlone, lazy("Notice that one founder let go out alone"))
MAILS = (NOTICE_V1, NOTICE_STEP, NOTICE_ALONE)
# By which mail a template's version is sent.
BY: Mapping[tuple[str, int], tuple[Mail, type[NoticeV1]]] = {("breach-mail", 1): (NOTICE_V1, NoticeV1)}
