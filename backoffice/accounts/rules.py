"""Who may see accounts and their sessions."""

from typing import Any

from sqlalchemy import ColumnElement, any_, or_, select

from backoffice.access.permissions import TEACHERS_READ
from backoffice.access.policy import Rule, register
from backoffice.accounts.address_models import EmailChange
from backoffice.accounts.models import (
    Account,
    AccountPassword,
    AccountRecoveryCode,
    AccountSecondFactor,
    AccountSession,
)
from backoffice.schools.models import Membership, TeachingRole


def _teaches(classrooms: ColumnElement[Any]) -> ColumnElement[bool]:
    return Account.id.in_(
        select(TeachingRole.account_id).where(TeachingRole.classroom_id == any_(classrooms))
    )


def _works_at(schools: ColumnElement[Any]) -> ColumnElement[bool]:
    return or_(
        Account.id.in_(select(Membership.account_id).where(Membership.school_id == any_(schools))),
        Account.id.in_(select(TeachingRole.account_id).where(TeachingRole.school_id == any_(schools))),
    )


register(
    Rule(
        Account,
        read=TEACHERS_READ,
        school=None,
        schools=_works_at,
        account="id",
        classrooms=_teaches,
    ),
    Rule(AccountSession, read=None, school=None, account="account_id"),
    Rule(AccountPassword, read=None, school=None, account="account_id"),
    Rule(AccountSecondFactor, read=None, school=None, account="account_id"),
    Rule(AccountRecoveryCode, read=None, school=None, account="account_id"),
    Rule(EmailChange, read=None, school=None, account="account_id"),
)
