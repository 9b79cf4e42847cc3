"""Whom notices are about. What was decided and sent stays, without who did it and to whom it went."""

from sqlalchemy import ColumnElement

from backoffice.privacy.holdings import PersonalData, Subject, Target
from backoffice.storage.numbers import one_of
from plugins.notifications.holdings import blanked
from plugins.notifications.notices.models import LetterBatch, Notice, NoticeDelivery, NoticeStep


def _to(target: Target) -> ColumnElement[bool]:
    return one_of(NoticeDelivery.account_id, target.numbers)


HELD = (
    blanked(
        Notice,
        Subject.ACCOUNT,
        *(Notice.written_by, Notice.proposed_by, Notice.approved_by, Notice.reviewed_by, Notice.ended_by),
    ),
    blanked(NoticeStep, Subject.ACCOUNT, NoticeStep.done_by),
    blanked(LetterBatch, Subject.ACCOUNT, LetterBatch.made_by, LetterBatch.posted_by),
    PersonalData(
        NoticeDelivery,
        Subject.ACCOUNT,
        _to,
        blank=(NoticeDelivery.account_id.key, NoticeDelivery.mail_id.key),
    ),
)
