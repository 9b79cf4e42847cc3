"""Writing what is mailed to parents and about them, in a worker, and forgetting what is over."""

import secrets
from collections import Counter
from collections.abc import Collection, Sequence

from sqlalchemy import select

from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account
from backoffice.accounts.services.letters import WRITTEN_TO
from backoffice.accounts.tokens import token_digest
from backoffice.families import mails
from backoffice.families.kinds import ENDED, INVITATIONS, VIEWS
from backoffice.families.models import GuardianInvitation, GuardianLink, GuardianStatus
from backoffice.families.services.invitations import OPEN
from backoffice.language.texts import lazy
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import post
from backoffice.privacy.retention.runs import forget
from backoffice.schools import grown_ups
from backoffice.schools.models import School
from backoffice.storage import about

DECIDED = (GuardianStatus.APPROVED, GuardianStatus.REFUSED, GuardianStatus.REVOKED)


def write_family_letters(who: Purpose) -> dict[str, int]:
    """Mail invitations that have no link yet, who waits and what was decided; how many. Forget old ones."""
    with transaction(who) as tx:
        waiting = select(GuardianInvitation).where(
            *OPEN, GuardianInvitation.email.is_not(None), GuardianInvitation.token_digest.is_(None)
        )
        invited = tx.scalars(waiting.with_for_update(skip_locked=True)).all()
        for invitation in invited:
            _invite(tx, invitation)
        decided = _untold(tx, DECIDED)
        for link in decided:
            _tell(tx, link)
        asked = _untold(tx, (GuardianStatus.WAITING,))
        _tell_teachers(tx, asked)
        tx.flush()
        forget(tx, INVITATIONS)
        forget(tx, ENDED)
    return {"invitations": len(invited), "waiting": len(asked), "decisions": len(decided)}


def forget_views(who: Purpose) -> dict[str, int]:
    """Forget who opened which record six months ago and earlier; how many."""
    with transaction(who) as tx:
        return {"views": forget(tx, VIEWS)}


def _invite(tx: Transaction, invitation: GuardianInvitation) -> None:
    token = secrets.token_urlsafe(32)
    invitation.token_digest = token_digest(token)
    school = tx.get_one(School, invitation.school_id)
    inviters = [invitation.invited_by] if invitation.invited_by else []
    # It lets in to the child.
    names = [*about.marks(about.STUDENT, [invitation.student_id]), *about.marks(about.ACCOUNT, inviters)]
    # Whoever has an account is written to like everybody else: the school's list of mails tells nothing.
    to = Recipient(None, invitation.email or "", invitation.name or "", school.language)
    if invitation.code_digest is not None:
        addressed = mails.LetterAddressed(school.name, token, invitation.expires_at)
        post(tx, mails.FAMILY_ADDRESS, to=to, parameters=addressed, school_id=school.id, names=names)
        return
    inviter = tx.scalar(select(Account.name).where(Account.id == invitation.invited_by))
    invited = mails.FamilyInvited(inviter or lazy("A teacher"), school.name, token, invitation.expires_at)
    post(tx, mails.FAMILY_INVITATION, to=to, parameters=invited, school_id=school.id, names=names)


def _untold(tx: Transaction, states: Collection[GuardianStatus]) -> Sequence[GuardianLink]:
    untold = select(GuardianLink).where(
        GuardianLink.status.in_(states), GuardianLink.told.is_distinct_from(GuardianLink.status)
    )
    return tx.scalars(untold.with_for_update(skip_locked=True)).all()


def _tell_teachers(tx: Transaction, waiting: Sequence[GuardianLink]) -> None:
    """One mail to each for a school, however many parents wait there. Nobody decides about themselves."""
    parents: Counter[tuple[School, Account]] = Counter()
    for link in waiting:
        school = tx.get_one(School, link.school_id)
        teachers = grown_ups.in_charge_of_child(tx, school, link.student_id)
        deciding = [each for each in teachers if each.id != link.account_id] or [
            each for each in grown_ups.leaders(tx, school) if each.id != link.account_id
        ]
        if deciding:
            link.told = link.status
        parents.update((school, each) for each in deciding)
    for (school, each), count in parents.items():
        to = Recipient(each.id, each.email, each.name, each.language)
        wait = mails.ParentsWait(school.name, count)
        post(tx, mails.FAMILY_WAITS, to=to, parameters=wait, school_id=school.id)


def _tell(tx: Transaction, link: GuardianLink) -> None:
    link.told = link.status
    account, school = tx.get_one(Account, link.account_id), tx.get_one(School, link.school_id)
    if account.status not in WRITTEN_TO:
        return
    approved = link.status == GuardianStatus.APPROVED
    post(
        tx,
        mails.FAMILY_APPROVED if approved else mails.FAMILY_ENDED,
        # The school's list of mails does not tell whose account it is.
        to=Recipient(None, account.email, account.name, account.language, inbox=account.id),
        parameters=mails.LinkDecided(school.name, link.status),
        school_id=school.id,
    )
