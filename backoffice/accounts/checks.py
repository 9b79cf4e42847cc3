"""Whether passwords are kept as promised, who has a second factor, and whether deleting is explained."""

from http import HTTPStatus

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError
from argon2.low_level import Type
from sqlalchemy import func, or_, select

from backoffice.accounts.models import Account, AccountPassword, AccountSecondFactor
from backoffice.accounts.passkeys.models import AccountPasskey
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds, not_exercised
from backoffice.controls.looking import count, metadatas, some
from backoffice.families.models import GuardianLink
from backoffice.privacy.inventory import held_in, mapped, name
from backoffice.schools.models import Membership, Role
from backoffice.settings import Passwords
from backoffice.storage import catalog
from backoffice.storage.columns import Class

EXPLAINS, DELETES = "/deactivate", "/account/deactivate"
SALT_BYTES = 16
MOST_FOUNDERS = 2
FOUNDER = "founder"
_SALT = 5  # the field of `$argon2id$v=19$m=...,t=...,p=...$salt$hash`, counted from 1

# Somebody with several roles counts for each. A suspended founder counts, too: it is one act away.
_ROLES = {
    FOUNDER: Account.founder,
    "leader": Account.id.in_(select(Membership.account_id).where(Membership.role == Role.LEADER)),
    "teacher": Account.id.in_(select(Membership.account_id).where(Membership.role == Role.TEACHER)),
    "parent": Account.id.in_(select(GuardianLink.account_id)),
}


def password_hashing(look: Looking) -> Finding:
    """Every stored password is a salted argon2id hash of at least the configured cost."""
    stray = _stray_columns(look)
    if stray:
        return falls_short(f"A column for passwords that is not declared a secret: {some(stray)}.")
    stored = AccountPassword.password_hash
    # Hashes of one cost begin alike, so a million of them are a handful of groups.
    beginning = func.left(stored, func.length(stored) - func.length(_after_parameters(stored)))
    groups = look.tx.execute(
        select(func.count(), func.min(stored)).group_by(beginning).order_by(func.count())
    ).all()
    total = sum(number for number, _ in groups)
    weak = sum(number for number, example in groups if not _strong(example, look.settings.passwords))
    if weak:
        return falls_short(f"{weak:,} of {count(total, 'password')} weaker than configured.")
    if not total:
        return not_exercised("No password is stored yet.")
    salts = look.tx.scalar(select(func.count(func.split_part(stored, "$", _SALT).distinct())))
    if salts != total:
        return falls_short(f"{count(total, 'password')} share {count(salts or 0, 'salt')}.")
    cost = look.settings.passwords
    return holds(
        f"{count(total, 'password')}, all argon2id with a salt of their own and at least"
        f" {cost.memory_kib // 1024} MiB, {count(cost.passes, 'pass', 'passes')}."
    )


def second_factor(look: Looking) -> Finding:
    """Anybody may have a second factor, and every founder has one."""
    shares, bare = [], 0
    for role in _ROLES:
        total, having = _with_factor(look, role)
        if total:
            shares.append(f"{having:,} of {count(total, role)}")
        if role == FOUNDER:
            bare = total - having
    if bare:
        return falls_short(f"{count(bare, FOUNDER)} without a second factor: {', '.join(shares)}.")
    if not shares:
        return not_exercised("There is no account yet.")
    return holds(f"With a second factor: {', '.join(shares)}.")


def small_team(look: Looking) -> Finding:
    """Staff accounts are few, each with a second factor."""
    total, having = _with_factor(look, FOUNDER)
    evidence = f"{count(total, 'founder account')}, {having:,} with a second factor."
    if total > MOST_FOUNDERS or having < total:
        return falls_short(evidence)
    return holds(evidence) if total else not_exercised("There is no founder account yet.")


def deletion_instructions(look: Looking) -> Finding:
    """The page that explains how to delete an account answers a stranger, and leads to where it is done."""
    client = look.app.test_client(use_cookies=False)
    answer = client.get(EXPLAINS, base_url=look.settings.base_url)
    if answer.status_code != HTTPStatus.OK:
        return falls_short(f"{EXPLAINS} answers a stranger with {answer.status_code}.")
    if f'href="{DELETES}"' not in answer.text:
        return falls_short(f"{EXPLAINS} does not lead to {DELETES}.")
    return holds(f"{EXPLAINS} answers without sign-in, and leads to {DELETES}.")


def _with_factor(look: Looking, role: str) -> tuple[int, int]:
    """How many accounts have a role, and how many of them a second factor."""
    # An account may have several passkeys, and an app beside them.
    app = select(AccountSecondFactor.account_id).where(AccountSecondFactor.secret.is_not(None))
    has_one = or_(Account.id.in_(app), Account.id.in_(select(AccountPasskey.account_id)))
    total, having = look.tx.execute(
        select(func.count(Account.id), func.count(Account.id).filter(has_one)).where(_ROLES[role])
    ).one()
    return total, having


def _after_parameters(stored: object) -> object:
    # Salt and hash, the last two fields: everything before them is algorithm and cost.
    return func.concat(func.split_part(stored, "$", _SALT), "$", func.split_part(stored, "$", _SALT + 1))


def _strong(stored: str, cost: Passwords) -> bool:
    try:
        found = extract_parameters(stored)
    except InvalidHashError:
        return False
    return (
        found.type is Type.ID
        and found.memory_cost >= cost.memory_kib
        and found.time_cost >= cost.passes
        and found.parallelism >= cost.lanes
        and found.salt_len >= SALT_BYTES
    )


def _stray_columns(look: Looking) -> list[str]:
    secret = {
        name(column)
        for column in mapped(metadatas(look))
        if (held := held_in(column)) is not None and held.kind is Class.SECRET
    }
    return [
        f"{column.table}.{column.name}"
        for column in catalog.columns(look.tx.connection())
        if "password" in column.name and f"{column.table}.{column.name}" not in secret
    ]


CHECKS = (
    Check("password-hashing", password_hashing),
    Check("second-factor", second_factor),
    Check("small-team", small_team),
    Check("deletion-instructions", deletion_instructions),
)
