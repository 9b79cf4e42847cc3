"""Making accounts."""

from sqlalchemy import insert, select

from backoffice import clock
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts import passwords
from backoffice.accounts.addresses import checked, email_index
from backoffice.accounts.models import Account, AccountPassword, AccountStatus
from backoffice.audit.trail import record
from backoffice.language.texts import gettext
from backoffice.problems import Rejected
from backoffice.settings import Passwords
from backoffice.storage.public_id import PublicId, new_public_id
from backoffice.wording import clean


def create_account(
    *,
    principal: Principal,
    email: str,
    name: str,
    password: str | None,
    cost: Passwords,
    founder: bool = False,
    language: str = "en",
    time_zone: str = "UTC",
) -> PublicId:
    """Make an account. Only the system may: people are invited. Raises `Rejected`."""
    hashed = passwords.hash_password(password, cost) if password is not None else None
    with transaction(principal) as tx:
        account_id, public_id = add(
            tx,
            email=email,
            name=name,
            password_hash=hashed,
            founder=founder,
            language=language,
            time_zone=time_zone,
        )
        record(tx, "accounts.create", account=account_id)
    return public_id


def add(
    tx: Transaction,
    *,
    email: str,
    name: str,
    password_hash: str | None,
    founder: bool,
    language: str = "en",
    time_zone: str = "UTC",
) -> tuple[int, PublicId]:
    """A new account in the caller's transaction: its number and its identifier. Raises `Rejected`."""
    email, name = checked(email), clean(name)
    if not name:
        raise Rejected(name=gettext("Write a name."))
    taken = select(Account.id).where(Account.email_index == email_index(email))
    if tx.scalar(taken) is not None:
        raise Rejected(email=gettext("This address has an account already."))
    account_id, public_id, now = tx.take_id(Account), new_public_id(), clock.now()
    tx.execute(
        insert(Account).values(
            id=account_id,
            public_id=public_id,
            email=email,
            email_index=email_index(email),
            name=name,
            founder=founder,
            status=AccountStatus.ACTIVE,
            language=language,
            time_zone=time_zone,
            security_epoch=1,
            created_at=now,
        )
    )
    if password_hash is not None:
        tx.execute(
            insert(AccountPassword).values(account_id=account_id, password_hash=password_hash, set_at=now)
        )
    return account_id, public_id
