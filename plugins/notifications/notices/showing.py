"""How notices are shown: as the banner that everybody reads, and as the mail that somebody gets."""

from collections.abc import Sequence

from backoffice.access.transaction import Transaction
from backoffice.banner import Banner
from backoffice.language.spoken import language
from backoffice.language.texts import gettext, lazy
from backoffice.outbox import registry
from backoffice.outbox.mail import Recipient
from backoffice.outbox.rendering import Rendered
from plugins.notifications.notices import mails, queries, readability, wordings
from plugins.notifications.notices.models import Audience, Notice, NoticeState, StepKind
from plugins.notifications.notices.wordings import Said

STATES = {
    NoticeState.DRAFT: (lazy("Draft"), "mute"),
    NoticeState.PROPOSED: (lazy("Waits for a second founder"), "warn"),
    NoticeState.APPROVED: (lazy("Is being sent"), "info"),
    NoticeState.UP: (lazy("Up on the home page"), "good"),
    NoticeState.SENT: (lazy("Written to everybody"), "good"),
    NoticeState.ENDED: (lazy("Ended"), "mute"),
}
PAUSED = (lazy("Paused"), "warn")
STEPS = {
    StepKind.PROPOSED: lazy("Proposed"),
    StepKind.TAKEN_BACK: lazy("Taken back, to change it"),
    StepKind.APPROVED: lazy("Approved by a second founder"),
    StepKind.ALONE: lazy("Let out by one founder alone"),
    StepKind.REVIEWED: lazy("Looked at again by another founder"),
    StepKind.TAKEN_DOWN: lazy("Taken down"),
    StepKind.DISCARDED: lazy("Given up"),
    StepKind.PAUSED: lazy("Paused: no more mails leave"),
    StepKind.RESUMED: lazy("Gone on with"),
    StepKind.STOPPED: lazy("Stopped for good"),
    StepKind.HANDED_IN: lazy("Handed in"),
}
PROGRESS = {
    "queued": lazy("Still to be handed over"),
    "sent": lazy("Sent"),
    "bounced": lazy("Came back"),
    "failed": lazy("Could not be sent"),
    "called_off": lazy("Called off"),
    "to_post": lazy("Letters to be posted"),
    "letter": lazy("Posted as a letter"),
    "played": lazy("Played: in a drill no mail leaves"),
}
STOPPED = (lazy("Stopped for good"), "mute")
# How far a form to an authority is, where that is called otherwise.
_OF_FORMS = {
    NoticeState.APPROVED: (lazy("Approved: to be handed in"), "warn"),
    NoticeState.SENT: (lazy("Handed in"), "good"),
}
# What of a banner is read at once; the rest is unfolded.
_AT_ONCE = ("what", "you_do", "contact")


def state_of(notice: Notice, *, paused: bool) -> tuple[str, str]:
    """How far a notice is, in words and the tone of its mark."""
    if paused:
        return PAUSED
    # What was paused is ended only by stopping it.
    if notice.paused_at is not None and notice.state == NoticeState.ENDED:
        return STOPPED
    return state_in_words(Audience(notice.audience), NoticeState(notice.state))


def state_in_words(audience: Audience, state: NoticeState) -> tuple[str, str]:
    """The same of a notice that is not paused, by whom it is for."""
    return (_OF_FORMS if audience is Audience.AUTHORITY else STATES).get(state, STATES[state])


def banners(tx: Transaction) -> Sequence[Banner]:
    """What is up at this moment, for anybody, in the language that is spoken."""
    return [
        banner_of(wordings.template_of(row.template, row.template_version), row.said, language())
        for row in queries.banners_up(tx)
    ]


def banner_of(template: wordings.Template, said: Said, spoken: str) -> Banner:
    """A notice as a banner, for somebody who reads a language."""
    written = wordings.written_in(said, spoken)
    texts = said.get(written, {})
    return Banner(
        heading=texts.get("heading", ""),
        lines=[line for name in _AT_ONCE for line in _lines(texts.get(name, ""))],
        more=[
            (str(field.title), _lines(texts.get(field.name, "")))
            for field in template.fields
            if field.name not in (*_AT_ONCE, "heading")
        ],
        language=written,
        spoken=spoken,
    )


def mail_of(notice: Notice, *, to: Recipient) -> Rendered | None:
    """The mail as somebody gets it; None of a banner and of letters."""
    if (notice.template, notice.template_version) not in mails.BY:
        return None
    mail, parameters = mails.BY[notice.template, notice.template_version]
    written = wordings.written_in(notice.said, to.language)
    known = registry.current()
    filled = parameters.of(notice.said, audience=notice.audience, language=written)
    return known.templates.render(known.of(mail).name, filled, to)


def written(said: Said) -> list[str]:
    """The languages in which a notice says anything; English at least."""
    return [
        each for each in wordings.LANGUAGES if each == wordings.ENGLISH or any(said.get(each, {}).values())
    ]


def ease(said: Said, spoken: str) -> tuple[str, str] | None:
    """How easily a notice is read in a language, in words and as a tone; None of an empty one."""
    texts = [text for name, text in said.get(spoken, {}).items() if name != "contact"]
    found = readability.score("\n".join(texts), spoken)
    if found is None:
        return None
    words, tone = readability.in_words(found)
    return gettext("%(words)s (%(score)s of 100)", words=words, score=found), tone


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]
