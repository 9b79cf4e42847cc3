"""How the policy of retention changes: one founder proposes what the file says, and a second one confirms it.

Nothing of it is in force before. A proposal is of one file, known by its SHA-256: where the file is another
by the time, nobody can confirm it any more.
"""

from sqlalchemy import select

from backoffice import clock
from backoffice.access.permissions import RETENTION_POLICIES_EDIT
from backoffice.access.policy import require, visible
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.founders import other_founders
from backoffice.accounts.services import proof
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.language.texts import lazy
from backoffice.outbox.services import post
from backoffice.privacy.retention import in_force, mails, policy, words
from backoffice.privacy.retention.differences import differences
from backoffice.privacy.retention.models import PolicyVersion, VersionState
from backoffice.privacy.retention.policy import RetentionError
from backoffice.problems import Rejected
from backoffice.storage import functions

TELL = "core.tell-policy"
NOTHING = lazy("The file says what was decided last. There is nothing to propose.")
WAITS = lazy("This is proposed already, and waits for a second founder.")
OVER = lazy("This proposal does not wait any more. Look at it again.")
OWN = lazy("You have proposed it yourself. A second founder has to confirm it.")
NOBODYS = lazy("Whoever proposed it has no account any more. Withdraw it, and propose it anew.")
VOID = lazy("The file says something else by now, so that this proposal holds no more. Propose it anew.")
RESTART = lazy("The file has changed since this process started. Restart the service, and look at it again.")


def accept_first(*, principal: Purpose) -> bool:
    """Take what the file says as the first policy where none was ever decided; whether it was taken.

    It is what was in force until then, so that there is nothing to tell.
    """
    said, now = policy.on_disk(), clock.now()
    with transaction(principal) as tx:
        functions.lock_retention_policy(tx)
        if in_force.read(tx.connection()):
            return False
        of = {"proposed_at": now, "confirmed_at": now, "told_at": now}
        state = VersionState.CONFIRMED
        first = PolicyVersion(state=state, said=said.said, digest=said.digest, later=[], told=0, **of)
        tx.add(first)
        record(tx, "retention.accept-first-policy", digest=said.digest)
    in_force.forget()
    return True


def propose_policy(*, principal: Principal, digest: str) -> None:
    """Propose what the file says, as it was looked at: `digest` is its SHA-256. The other founders are told.

    What was proposed before becomes void. Raises `Denied`, `ProofNeeded`, and `Rejected` where there is
    nothing to propose, it waits already, or the file is another.
    """
    now, said = clock.now(), policy.on_disk()
    with transaction(principal) as tx:
        require(tx.principal, RETENTION_POLICIES_EDIT)
        proof.demand(tx)
        functions.lock_retention_policy(tx)
        if digest != said.digest or not _is_on_disk(digest):
            raise Rejected.whole(RESTART)
        decided = in_force.read(tx.connection())
        found = list(differences(decided[-1].said, said)) if decided else []
        if not found:
            raise Rejected.whole(NOTHING)
        before = _waiting(tx)
        if before is not None and before.digest == digest:
            raise Rejected.whole(WAITS)
        if before is not None:
            before.state, before.ended_at = VersionState.VOID, now
            tx.flush()
        tx.add(
            PolicyVersion(
                id=tx.take_id(PolicyVersion),
                state=VersionState.WAITING,
                said=said.said,
                digest=digest,
                proposed_at=now,
                proposed_by=tx.principal.account_id,
                later=[],
                told=0,
            )
        )
        record(tx, "retention.propose-policy", digest=digest)
        told = mails.PolicyProposed(tx.principal.name or "", words.told(found))
        for founder in other_founders(tx):
            post(tx, mails.POLICY_PROPOSED, to=founder, parameters=told)


def confirm_policy(*, principal: Principal, digest: str) -> None:
    """Confirm what another founder proposed.

    It is in force at once, but for what keeps longer or does more: that is in force thirty days after schools
    have begun to be told. Raises `Denied`, `ProofNeeded`, and `Rejected` where it does not wait any more, the
    file is another, or it is the principal's own.
    """
    now, said = clock.now(), policy.on_disk()
    with transaction(principal) as tx:
        require(tx.principal, RETENTION_POLICIES_EDIT)
        proof.demand(tx)
        functions.lock_retention_policy(tx)
        found = _waiting(tx)
        if found is None or found.digest != digest:
            raise Rejected.whole(OVER)
        if digest != said.digest or not _is_on_disk(digest):
            raise Rejected.whole(VOID)
        if found.proposed_by is None:
            raise Rejected.whole(NOBODYS)
        if found.proposed_by == tx.principal.account_id:
            raise Rejected.whole(OWN)
        # Against what is in force, not against what was decided last: that may be still to come.
        today = in_force.at(now, in_force.read(tx.connection()))
        found.state, found.confirmed_at, found.confirmed_by = (
            VersionState.CONFIRMED,
            now,
            tx.principal.account_id,
        )
        found.later = sorted(each.name for each in differences(today, said) if each.waits)
        record(tx, "retention.confirm-policy", digest=digest, later=found.later)
        queue.defer(tx, TELL)
    in_force.forget()


def withdraw_policy(*, principal: Principal, digest: str) -> None:
    """Take back what waits to be confirmed; any founder may.

    Raises `Denied`, `ProofNeeded`, and `Rejected` where it does not wait any more.
    """
    with transaction(principal) as tx:
        require(tx.principal, RETENTION_POLICIES_EDIT)
        proof.demand(tx)
        functions.lock_retention_policy(tx)
        found = _waiting(tx)
        if found is None or found.digest != digest:
            raise Rejected.whole(OVER)
        found.state, found.ended_at = VersionState.WITHDRAWN, clock.now()
        record(tx, "retention.withdraw-policy", digest=digest)


def _waiting(tx: Transaction) -> PolicyVersion | None:
    waits = select(PolicyVersion).where(PolicyVersion.state == VersionState.WAITING)
    mine = visible(tx.principal, waits, RETENTION_POLICIES_EDIT)
    return tx.scalars(mine.with_for_update()).one_or_none()


def _is_on_disk(digest: str) -> bool:
    """Whether the file still says what this process found in it at its start."""
    try:
        return policy.load().digest == digest
    except RetentionError:
        return False
