"""Whom notices are about. What was decided and sent stays, without who did it and to whom it went."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, case, null, or_
from sqlalchemy.orm import InstrumentedAttribute

from backoffice.privacy.holdings import PersonalData, Subject, Target
from backoffice.storage.numbers import one_of
from plugins.notifications.notices.models import Notice, NoticeDelivery, NoticeStep

Column = InstrumentedAttribute[Any]


def _naming(*columns: Column) -> Callable[[Target], ColumnElement[bool]]:
    return lambda target: or_(*(one_of(column, target.numbers) for column in columns))


def _without(*columns: Column) -> Callable[[Target], Mapping[str, ColumnElement[Any]]]:
    """Nobody where the account stood, and whoever else there was where not."""
    return lambda target: {
        column.key: case((one_of(column, target.numbers), null()), else_=column) for column in columns
    }


def _blanked(model: Any, *columns: Column) -> PersonalData:
    names = tuple(column.key for column in columns)
    return PersonalData(model, Subject.ACCOUNT, _naming(*columns), blank=names, instead=_without(*columns))


HELD = (
    _blanked(
        Notice,
        *(Notice.written_by, Notice.proposed_by, Notice.approved_by, Notice.reviewed_by, Notice.ended_by),
    ),
    _blanked(NoticeStep, NoticeStep.done_by),
    PersonalData(
        NoticeDelivery,
        Subject.ACCOUNT,
        _naming(NoticeDelivery.account_id),
        blank=(NoticeDelivery.account_id.key, NoticeDelivery.mail_id.key),
    ),
)
