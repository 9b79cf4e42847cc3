"""Adding, using and removing passkeys."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from webauthn.helpers.structs import AuthenticationCredential

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Nobody, Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import AccountSession, AccountStatus, LetterKind
from backoffice.accounts.passkeys import ceremony
from backoffice.accounts.passkeys.ceremony import Act, Asked, Party, Presented, Signed
from backoffice.accounts.passkeys.models import AccountPasskey
from backoffice.accounts.services import letters, proof, second_factor, signing_in
from backoffice.accounts.services.second_factor import Changed
from backoffice.accounts.services.signing_in import HalfWay, SignedIn, Vouched
from backoffice.audit.trail import record
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.settings import Sessions, Throttles
from backoffice.storage import functions
from backoffice.storage.functions import AnyRow
from backoffice.storage.public_id import new_public_id
from backoffice.throttles.tries import Claim, trying
from backoffice.throttles.visitor import ACCOUNT, Visitor
from backoffice.wording import clean

MOST = 20
LONGEST_NAME = 60
NAMELESS = lazy("Give it a name, so that you know it again.")
TOO_MANY = lazy("You have twenty passkeys. Remove one that you do not use first.")
TAKEN = lazy("This passkey is in use already. Make another one.")
UNKNOWN = lazy("This passkey is not known here, or it was removed. Sign in with your password.")
FOREIGN = lazy("This passkey belongs to another account. Choose one of your own.")
COPIED = lazy(
    "This passkey may have been copied, so it was refused. Sign in another way, remove it, and add a new one."
)


def passkeys(tx: Transaction) -> Sequence[AccountPasskey]:
    """The principal's passkeys, the newest last."""
    mine = AccountPasskey.account_id == tx.principal.account_id
    return tx.scalars(select(AccountPasskey).where(mine).order_by(AccountPasskey.id)).all()


def ask_to_add(tx: Transaction, site: Party) -> Asked:
    """What the browser is to make a passkey from. Raises `ProofNeeded`."""
    proof.demand(tx)
    me = proof.me(tx)
    known = [(each.credential_id, each.transports) for each in passkeys(tx)]
    return ceremony.ask_to_add(site, handle=me.public_id, email=me.email, name=me.name, known=known)


def ask_to_sign_in(site: Party) -> Asked:
    """What any passkey of this site may sign."""
    return ceremony.ask_to_sign(site, Act.SIGN_IN)


def ask_for_second_factor(site: Party, *, half_way: str) -> Asked:
    """What a passkey of whoever typed the right password is to sign. Raises `Rejected`."""
    come = signing_in.opened(half_way)
    with transaction(Nobody()) as tx:
        known = _known_of(tx, come)
    return ceremony.ask_to_sign(site, Act.SECOND_FACTOR, subject=come.index.hex(), known=known)


def ask_to_prove(tx: Transaction, site: Party) -> Asked:
    """What a passkey of the principal's own is to sign."""
    known = [(each.credential_id, each.transports) for each in passkeys(tx)]
    return ceremony.ask_to_sign(site, Act.PROVE, subject=_subject(tx.principal), known=known)


def may_show_one(half_way: str) -> bool:
    """Whether whoever typed the right password has a passkey to show now."""
    try:
        come = signing_in.opened(half_way)
    except Rejected:
        return False
    with transaction(Nobody()) as tx:
        return bool(_known_of(tx, come))


def add(*, principal: Principal, name: str, presented: Presented, site: Party, sessions: Sessions) -> Changed:
    """Take a passkey that the browser made. With the first factor there are recovery codes.

    Raises `Rejected` and `ProofNeeded`.
    """
    name = clean(name)[:LONGEST_NAME]
    if not name:
        raise Rejected(name=NAMELESS)
    with transaction(principal) as tx:
        proof.demand(tx)
    challenge = ceremony.opened(presented.challenge, Act.ADD, _subject(principal))
    _spend(challenge)
    added = ceremony.check_added(site, presented.answer, challenge)
    with transaction(principal) as tx:
        proof.demand(tx)
        second_factor.own_account_alone(tx)
        if len(passkeys(tx)) >= MOST:
            raise Rejected.whole(TOO_MANY)
        first = second_factor.factor(tx) is None
        row = insert(AccountPasskey).values(
            id=tx.take_id(AccountPasskey),
            public_id=new_public_id(),
            account_id=principal.account_id,
            credential_id=added.credential_id,
            public_key=added.public_key,
            sign_count=added.sign_count,
            transports=added.transports,
            backed_up=added.backed_up,
            name=name,
            created_at=clock.now(),
        )
        if tx.scalar(row.on_conflict_do_nothing().returning(AccountPasskey.id)) is None:
            raise Rejected.whole(TAKEN)
        fresh = second_factor.new_codes(tx) if first else ()
        return second_factor.changed(tx, LetterKind.PASSKEY_ADDED, "accounts.add-passkey", sessions, fresh)


def remove(*, principal: Principal, passkey: str, sessions: Sessions) -> Changed:
    """Be without one of the own passkeys, unless it is the last factor of who must have one.

    Recovery codes go with the last factor. Raises `Rejected` and `ProofNeeded`, and `NotFound` for another's.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
        second_factor.own_account_alone(tx)
        own = {each.public_id: each.id for each in passkeys(tx)}
        if passkey not in own:
            raise NotFound
        factor = second_factor.factor(tx)
        assert factor is not None
        if second_factor.required(tx) and factor.set_at is None and factor.passkeys == 1:
            raise Rejected.whole(second_factor.MUST)
        functions.forget_passkey(tx, passkey_id=own[passkey])
        return second_factor.changed(tx, LetterKind.PASSKEY_REMOVED, "accounts.remove-passkey", sessions)


def sign_in(
    *,
    presented: Presented,
    site: Party,
    sessions: Sessions,
    visitor: Visitor,
    device: str | None,
    throttles: Throttles,
    shared: bool = False,
) -> SignedIn:
    """Begin a session by a passkey alone: the device has checked that it is its owner.

    Raises `Rejected` and `Throttled`.
    """
    with trying(*_presenting(visitor, throttles)), _refusals(visitor):
        found, signed = _shown(presented, site, Act.SIGN_IN)
        return _begun(found, signed, sessions=sessions, visitor=visitor, device=device, shared=shared)


def sign_in_after_password(
    *,
    half_way: str,
    presented: Presented,
    site: Party,
    sessions: Sessions,
    visitor: Visitor,
    device: str | None,
    throttles: Throttles,
    shared: bool = False,
) -> SignedIn:
    """Go on by a passkey where the password was right. Raises `Rejected` and `Throttled`."""
    come = signing_in.opened(half_way)
    with trying(*signing_in.guess(come.index, visitor, throttles)), _refusals(visitor):
        found, signed = _shown(presented, site, Act.SECOND_FACTOR, come.index.hex())
        if found.email_index != come.index:
            raise Rejected.whole(FOREIGN)
        if found.security_epoch != come.epoch:
            raise Rejected.whole(signing_in.TOO_LATE)
        return _begun(
            found,
            signed,
            sessions=sessions,
            visitor=visitor,
            device=device,
            shared=shared,
            vouched=come.vouched,
        )


def prove(
    *, principal: Principal, presented: Presented, site: Party, visitor: Visitor, throttles: Throttles
) -> None:
    """Prove by a passkey whose session it is. Raises `Rejected` and `Throttled`."""
    with transaction(principal) as tx:
        index = proof.me(tx).email_index
    with trying(*signing_in.guess(index, visitor, throttles)):
        found, signed = _shown(presented, site, Act.PROVE, _subject(principal))
        if found.account_id != principal.account_id:
            raise Rejected.whole(FOREIGN)
        with transaction(principal) as tx:
            used = _use(tx, found, signed)
            if used:
                own = AccountSession.id == tx.principal.session_id
                tx.execute(update(AccountSession).where(own).values(proven_at=clock.now()))
                record(tx, "accounts.prove", account=tx.principal.account_id)
        if not used:
            raise Rejected.whole(COPIED)


def _shown(presented: Presented, site: Party, act: Act, subject: str = "") -> tuple[AnyRow, Signed]:
    """The passkey that was shown, and its account, if the answer is right."""
    answer = ceremony.read_answer(presented.answer)
    challenge = ceremony.opened(presented.challenge, act, subject)
    # Before it is known whether the answer is right: whoever was refused begins again.
    _spend(challenge)
    with transaction(Nobody()) as tx:
        found = functions.open_passkey(tx, credential_id=answer.raw_id)
    if found is None:
        raise Rejected.whole(UNKNOWN)
    signed = ceremony.check_signed(site, answer, challenge, public_key=bytes(found.public_key))
    # In the words for what does not exist: nobody learns that an account is suspended.
    if found.status != AccountStatus.ACTIVE:
        raise Rejected.whole(UNKNOWN)
    if not _names(answer, found.account_public_id):
        raise Rejected.whole(FOREIGN)
    return found, signed


def _names(answer: AuthenticationCredential, account: str) -> bool:
    handle = answer.response.user_handle
    return handle is None or handle == account.encode()


def _begun(
    found: AnyRow,
    signed: Signed,
    *,
    sessions: Sessions,
    visitor: Visitor,
    device: str | None,
    shared: bool,
    vouched: Vouched | None = None,
) -> SignedIn:
    token = secrets.token_urlsafe(32)
    with transaction(Nobody(visitor.address)) as tx:
        used = _use(tx, found, signed)
        if used:
            signing_in.begin_by(
                tx,
                found,
                "passkey",
                token=token,
                sessions=sessions,
                visitor=visitor,
                device=device,
                shared=shared,
                vouched=vouched,
            )
    if not used:
        raise Rejected.whole(COPIED)
    index = bytes(found.email_index)
    return signing_in.signed_in(token, found, index=index, visitor=visitor, device=device, vouched=vouched)


def _use(tx: Transaction, found: AnyRow, signed: Signed) -> bool:
    """Note the use. False, and the owner is told, if the count went back; that is to be committed."""
    said = functions.use_passkey(
        tx,
        passkey_id=found.passkey_id,
        count=signed.sign_count,
        backed_up=signed.backed_up,
        at=clock.now(),
    )
    if said == "gone":
        raise Rejected.whole(UNKNOWN)
    if said == "copied":
        record(tx, "accounts.passkey-copied", account=found.account_id)
        letters.wake(tx)
    return said == "used"


def _spend(challenge: ceremony.Challenge) -> None:
    with transaction(Nobody()) as tx:
        unused = functions.spend_challenge(tx, digest=challenge.digest, at=clock.now(), until=challenge.until)
    if not unused:
        raise Rejected.whole(ceremony.SPENT)


def _known_of(tx: Transaction, come: HalfWay) -> list[tuple[bytes, list[str]]]:
    account = functions.sign_in_account(tx, email_index=come.index)
    # The word outlives a change of credentials; what it lets its browser see does not.
    same = account is not None and account.security_epoch == come.epoch
    rows = functions.passkeys_of(tx, account_id=account.account_id) if account and same else []
    return [(bytes(row.credential_id), list(row.transports)) for row in rows]


def _presenting(visitor: Visitor, throttles: Throttles) -> tuple[Claim, ...]:
    """What a try takes where nobody has said who it is. It bounds work: a signature is not guessed."""
    known = visitor.device and visitor.device.vouched(ACCOUNT)
    if visitor.device and known:
        return (Claim("passkey by device", throttles.password_device, visitor.device.id),)
    return (
        Claim("passkey by network", throttles.password_network, visitor.network),
        Claim("passkey overall", throttles.password_overall, ""),
    )


@contextmanager
def _refusals(visitor: Visitor) -> Iterator[None]:
    try:
        yield
    except Rejected:
        signing_in.note_refusal(visitor.address)
        raise


def _subject(principal: Principal) -> str:
    return str(principal.account_public_id)
