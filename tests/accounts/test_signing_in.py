"""Making accounts, signing in and out."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.principal import Nobody, Principal, SessionEnded
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.addresses import normalise_email
from backoffice.accounts.models import Account, AccountPassword, AccountSession, AccountStatus
from backoffice.accounts.passwords import LONGEST, outdated
from backoffice.accounts.services import people, signing_in
from backoffice.accounts.services.signing_in import REFUSED
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.audit.trail import Answer, answer
from backoffice.problems import Rejected
from backoffice.settings import Sessions
from backoffice.storage import functions, keyring
from backoffice.storage.functions import NewAccountSession
from backoffice.storage.keyring import KeyPurpose
from backoffice.storage.public_id import new_public_id
from backoffice.throttles.visitor import Visitor
from tests.factories.world import COST, NO_LIMIT, PASSWORD, SYSTEM, World

ADDRESS = "198.51.100.23"
BROWSER = "Netscape Navigator 4"


def sign_in(email: str, password: str = PASSWORD, browser: str | None = BROWSER) -> Principal:
    begun = signing_in.sign_in(
        email=email,
        password=password,
        sessions=Sessions(),
        cost=COST,
        visitor=Visitor(ADDRESS),
        device=browser,
        throttles=NO_LIMIT,
    )
    with transaction(signing_in.credential(begun.token, ADDRESS)) as tx:
        return tx.principal


def refusal(email: str, password: str = PASSWORD) -> dict[str, str]:
    with pytest.raises(Rejected) as raised:
        sign_in(email, password)
    return raised.value.fields


def newest_session() -> AccountSession:
    with transaction(SYSTEM) as tx:
        return tx.execute(select(AccountSession).order_by(AccountSession.id.desc()).limit(1)).scalar_one()


def newest_entry() -> tuple[AuditEntry, AuditDetail]:
    with transaction(SYSTEM) as tx:
        newest = select(AuditEntry, AuditDetail).join(AuditDetail, AuditDetail.entry_id == AuditEntry.id)
        row = tx.execute(newest.order_by(AuditEntry.id.desc()).limit(1)).one()
        return row[0], row[1]


# -- signing in


@pytest.mark.parametrize(
    "email",
    [
        "teacher@people.example",
        "Teacher@People.Example",
        "  teacher@people.example\n",
    ],
)
def test_the_right_password_signs_in(world: World, email: str) -> None:
    assert sign_in(email).account_public_id == world.people["teacher"].public_id


@pytest.fixture
def suspended(world: World) -> Iterator[str]:
    person = world.people["foreign_parent"]
    row = update(Account).where(Account.id == person.id)
    with transaction(SYSTEM) as tx:
        tx.execute(row.values(status=AccountStatus.SUSPENDED))
    yield person.email
    with transaction(SYSTEM) as tx:
        tx.execute(row.values(status=AccountStatus.ACTIVE))


def test_a_wrong_password_is_refused(world: World) -> None:
    assert refusal(world.people["teacher"].email, "wrong") == {"": REFUSED}


def test_an_unknown_address_is_refused_in_the_same_words(world: World) -> None:
    assert refusal("nobody@people.example") == {"": REFUSED}


def test_a_suspended_account_is_refused_in_the_same_words(suspended: str) -> None:
    assert refusal(suspended) == {"": REFUSED}


def test_an_account_without_a_password_is_refused_in_the_same_words(world: World) -> None:
    people.create_account(
        principal=SYSTEM, email="invited@people.example", name="Ivy", password=None, cost=COST
    )
    assert refusal("invited@people.example", "") == {"": REFUSED}


STRANGE = [
    "",
    "\0",
    "a\0b",
    "x" * 10_000,
    "\u202e drowssap",
    "🔑" * 200,
    "' or 1=1 --",
    "\u0345\u0345",
    "İ",
    "%s %(digest)s :index",
]


@pytest.mark.parametrize("strange", STRANGE)
def test_a_strange_password_is_only_refused(world: World, strange: str) -> None:
    assert refusal(world.people["teacher"].email, strange) == {"": REFUSED}


@pytest.mark.parametrize("strange", STRANGE)
def test_a_strange_address_is_only_refused(world: World, strange: str) -> None:
    assert refusal(strange) == {"": REFUSED}


@pytest.mark.parametrize(
    ("email", "password"), [("teacher@people.example", "\ud800"), ("\ud800@people.example", "x")]
)
def test_half_a_character_is_only_refused(world: World, email: str, password: str) -> None:
    assert refusal(email, password) == {"": REFUSED}


@pytest.mark.parametrize("browser", [None, "", "\0", "x" * 10_000, "é\x80"])
def test_any_browser_signs_in(world: World, browser: str | None) -> None:
    assert sign_in(world.people["teacher"].email, browser=browser).account_id == world.people["teacher"].id


# -- the session's row


def test_a_session_keeps_a_digest_and_no_token(world: World) -> None:
    token = world.token("teacher")
    digest = keyring.current().digest(KeyPurpose.TOKEN, token.encode())
    assert newest_session().token_digest == digest


def test_a_session_knows_its_ends(world: World) -> None:
    sign_in(world.people["teacher"].email)
    row = newest_session()
    assert (row.expires_at - row.started_at, row.idle_minutes, row.ended_at, row.security_epoch) == (
        timedelta(hours=12),
        60,
        None,
        1,
    )


def test_a_session_keeps_where_and_what_with(world: World) -> None:
    sign_in(world.people["teacher"].email)
    row = newest_session()
    assert (row.address, row.device) == (ADDRESS, BROWSER)


def test_two_sessions_have_two_tokens(world: World) -> None:
    assert len({world.token("teacher") for _ in range(3)}) == 3


def test_signing_in_makes_the_account_active_now(world: World) -> None:
    before = clock.now()
    sign_in(world.people["helper"].email)
    with transaction(SYSTEM) as tx:
        last = tx.get_one(Account, world.people["helper"].id).last_active_at
    assert last is not None
    assert before <= last <= clock.now()


def test_a_refusal_makes_no_session(world: World) -> None:
    with transaction(SYSTEM) as tx:
        before = tx.scalar(select(func.count()).select_from(AccountSession))
    refusal(world.people["teacher"].email, "wrong")
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count()).select_from(AccountSession)) == before


def test_after_signing_out_the_session_is_over(world: World) -> None:
    who = world.sign_in("teacher")
    signing_in.sign_out(principal=who)
    with pytest.raises(SessionEnded), transaction(who) as tx:
        tx.connection()


def test_signing_out_leaves_other_sessions(world: World) -> None:
    stays, leaves = world.sign_in("teacher"), world.sign_in("teacher")
    signing_in.sign_out(principal=leaves)
    with transaction(stays) as tx:
        assert tx.principal.session_id == stays.session_id


# -- the trail


def test_signing_in_is_in_the_trail(world: World) -> None:
    who = sign_in(world.people["teacher"].email)
    entry, detail = newest_entry()
    assert (entry.verb, entry.actor_kind, entry.school_id) == ("accounts.sign-in", "nobody", None)
    assert detail.detail == {
        "actor": {},
        "account": who.account_id,
        "session": who.session_id,
        "factor": "none",
    }


def test_a_refusal_is_in_the_trail_without_the_address_tried(world: World) -> None:
    refusal("somebody@people.example", "wrong")
    entry, detail = newest_entry()
    assert (entry.verb, detail.detail, detail.address) == (
        "accounts.sign-in-refused",
        {"actor": {}},
        ADDRESS,
    )


def test_signing_out_is_in_the_trail(world: World) -> None:
    who = world.sign_in("teacher")
    signing_in.sign_out(principal=who)
    entry, detail = newest_entry()
    assert (entry.verb, detail.detail) == (
        "accounts.sign-out",
        {
            "actor": {"account": who.account_id, "session": who.session_id},
            "account": who.account_id,
        },
    )


def test_an_entry_holds_a_commitment_to_its_detail(world: World) -> None:
    sign_in(world.people["teacher"].email)
    entry, detail = newest_entry()
    assert answer(entry.commitment, detail) is Answer.FITS


def test_the_trail_names_nobody_in_the_clear(world: World) -> None:
    refusal("somebody@people.example", "wrong")
    sign_in(world.people["teacher"].email)
    with transaction(SYSTEM) as tx:
        raw = " ".join(row for table in ("audit_entry", "audit_detail") for row in printed(tx, table))
    words = [ADDRESS, "people.example", "somebody", *world.people["teacher"].name.split()]
    assert [word for word in words if word in raw or word.encode().hex() in raw] == []


def printed(tx: Transaction, table: str) -> list[str]:
    """The rows of a table as the database itself prints them."""
    return list(tx.scalars(text(f"select t::text from app.{table} t")))


# -- making accounts


def make(email: str, name: str = "Nora New", password: str | None = PASSWORD) -> str:
    return people.create_account(principal=SYSTEM, email=email, name=name, password=password, cost=COST)


def test_a_new_account_can_sign_in(world: World) -> None:
    public_id = make("nora@people.example")
    assert sign_in("NORA@people.example").account_public_id == public_id


def test_making_an_account_is_in_the_trail(world: World) -> None:
    public_id = make("trail@people.example")
    entry, detail = newest_entry()
    with transaction(SYSTEM) as tx:
        number = tx.scalar(select(Account.id).where(Account.public_id == public_id))
    assert (entry.verb, detail.detail) == (
        "accounts.create",
        {"actor": {"purpose": "test"}, "account": number},
    )


@pytest.mark.parametrize("email", ["", " ", "nora", "a@b@c", f"{'x' * 250}@b.example"])
def test_an_address_is_a_full_one(world: World, email: str) -> None:
    with pytest.raises(Rejected) as raised:
        make(email)
    assert list(raised.value.fields) == ["email"]


@pytest.mark.parametrize("email", ["@", "nora@", "@people.example", "no ra@people.example", "a@b\0.example"])
def test_an_address_has_two_sides(world: World, email: str) -> None:
    with pytest.raises(Rejected):
        make(email)


@pytest.mark.parametrize("name", ["", "  ", "\u200b\u200d"])
def test_an_account_has_a_name(world: World, name: str) -> None:
    with pytest.raises(Rejected) as raised:
        make("name@people.example", name)
    assert list(raised.value.fields) == ["name"]


def test_an_address_has_one_account(world: World) -> None:
    with pytest.raises(Rejected):
        make("TEACHER@people.example")


@pytest.mark.parametrize("role", ["founder", "leader", "teacher"])
def test_nobody_but_the_system_makes_accounts(world: World, role: str) -> None:
    with pytest.raises(DBAPIError):
        people.create_account(
            principal=world.sign_in(role), email=f"{role}@own.example", name="X", password=None, cost=COST
        )


def test_a_password_is_stored_as_a_hash(world: World) -> None:
    make("hash@people.example", password="x" * LONGEST)
    with transaction(SYSTEM) as tx:
        stored = tx.scalars(
            select(AccountPassword.password_hash).order_by(AccountPassword.account_id.desc())
        ).first()
    assert str(stored).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


# -- addresses


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" A@B.Example ", "a@b.example"),
        ("a@b.example\r\n", "a@b.example"),
        ("Jose\u0301@b.example", "jos\u00e9@b.example"),
        ("STRASSE@b.example", "strasse@b.example"),
        ("Straße@b.example", "strasse@b.example"),
    ],
)
def test_an_address_is_compared_in_one_form(typed: str, kept: str) -> None:
    assert normalise_email(typed) == kept


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_the_one_form_stays_what_it_is(typed: str) -> None:
    once = normalise_email(typed)
    assert normalise_email(once) == once


@pytest.mark.parametrize(("behind", "begins"), [(0, True), (1, False)])
def test_credentials_that_changed_meanwhile_begin_no_session(world: World, behind: int, begins: bool) -> None:
    """Between the check of a password and the session there is time in which it can be changed."""
    person, now = world.people["leader"], clock.now()
    with transaction(SYSTEM) as tx:
        epoch = tx.scalar(select(Account.security_epoch).where(Account.id == person.id)) or 0
        raised = update(Account).where(Account.id == person.id)
        tx.execute(raised.values(security_epoch=epoch + behind))
    with transaction(Nobody()) as tx:
        begun = functions.begin_account_session(
            tx,
            NewAccountSession(
                account_id=person.id,
                security_epoch=epoch,
                public_id=new_public_id(),
                token_digest=new_public_id().encode(),
                at=now,
                idle_minutes=5,
                expires_at=now + timedelta(minutes=5),
                address=None,
                device=None,
            ),
        )
    assert (begun is not None) is begins


def test_a_password_of_another_cost_is_hashed_anew_when_it_is_used(world: World) -> None:
    person = world.people["outsider"]
    held = select(AccountPassword).where(AccountPassword.account_id == person.id)
    with transaction(SYSTEM) as tx:
        before = tx.execute(held).scalar_one()
    dearer = COST.model_copy(update={"passes": COST.passes + 1})
    signing_in.sign_in(
        email=person.email,
        password=PASSWORD,
        sessions=Sessions(),
        cost=dearer,
        visitor=Visitor(ADDRESS),
        device=BROWSER,
        throttles=NO_LIMIT,
    )
    with transaction(SYSTEM) as tx:
        after = tx.execute(held).scalar_one()
    assert not outdated(after.password_hash, dearer)
    assert (after.password_hash != before.password_hash, after.set_at) == (True, before.set_at)
    assert sign_in(person.email).account_id == person.id
