"""Linking an account with somebody at a provider, and coming in by it."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from sqlalchemy import delete, func, select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal, Purpose, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account, AccountPassword, AccountSession, AccountStatus
from backoffice.accounts.providers.models import AccountIdentity, IdentityOffer
from backoffice.accounts.providers.protocol import Identity, Provider
from backoffice.accounts.providers.services import arriving, directory, linking
from backoffice.accounts.providers.services.arriving import NotLinked
from backoffice.accounts.services import credentials, proof, second_factor, signing_in
from backoffice.accounts.services.signing_in import CodeNeeded, CodeRefused, SignedIn
from backoffice.problems import Rejected, Throttled
from backoffice.runtime import Runtime
from backoffice.settings import Sessions, Throttles
from backoffice.throttles.visitor import Visitor
from tests.accounts.providers.people import mailed_token, mails_to, newcomer
from tests.factories.vouching import enrol
from tests.factories.world import COST, NO_LIMIT, PASSWORD, SYSTEM

HERE = Visitor("198.51.100.7")
LONG = timedelta(minutes=11)


@pytest.fixture(autouse=True)
def google(runtime: Runtime) -> Provider:
    """Nobody asks it here: who comes back is told to the services."""
    del runtime
    enrol("http://127.0.0.1:1")
    return directory.one("google")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time, to be moved."""
    at = [datetime.now(UTC)]
    monkeypatch.setattr(clock, "now", lambda: at[0])
    return at


def at_google(address: str, subject: str = "", domain: str | None = None) -> Identity:
    return Identity(directory.one("google"), subject or f"subject of {address}", address, domain)


def entered(token: str) -> Principal:
    with transaction(signing_in.credential(token, None)) as tx:
        return tx.principal


def by_password(address: str) -> Principal:
    begun = signing_in.sign_in(
        email=address,
        password=PASSWORD,
        sessions=Sessions(),
        cost=COST,
        visitor=HERE,
        device=None,
        throttles=NO_LIMIT,
    )
    return entered(begun.token)


def by_google(identity: Identity, throttles: Throttles = NO_LIMIT, visitor: Visitor = HERE) -> SignedIn:
    return arriving.sign_in(
        identity=identity, sessions=Sessions(), visitor=visitor, device="Firefox", throttles=throttles
    )


def linked(address: str, **more: str) -> Principal:
    who = by_password(address)
    return entered(linking.link(principal=who, identity=at_google(address, **more), sessions=Sessions()))


def ask(identity: Identity, throttles: Throttles = NO_LIMIT) -> None:
    linking.ask_for_link(word=linking.offer(identity), visitor=HERE, throttles=throttles)


def status(address: str, value: AccountStatus) -> None:
    with transaction(SYSTEM) as tx:
        number = tx.scalar(select(Account.id).where(Account.public_id == by_index(address)))
        tx.execute(update(Account).where(Account.id == number).values(status=value))


def by_index(address: str) -> str:
    with transaction(SYSTEM) as tx:
        return next(each.public_id for each in tx.scalars(select(Account)) if each.email == address)


# ------------------------------------------------------------------------------------------------ signed in


def test_who_has_linked_the_account_comes_in(google: Provider) -> None:
    address = newcomer()
    linked(address)
    who = entered(by_google(at_google(address)).token)
    assert who.name == "Ona Owner"
    with transaction(who) as tx:
        (held,) = linking.links(tx)
        own = tx.scalars(select(AccountSession).where(AccountSession.id == who.session_id)).one()
    assert (held.email, held.provider) == (address, google)
    assert (own.came_by, own.came_from) == ("google", None)


def test_a_verified_address_alone_opens_nothing() -> None:
    """Found by the subject, never by the address: whoever gets an address again does not get the account."""
    address = newcomer()
    with pytest.raises(NotLinked):
        by_google(at_google(address))
    linked(address)
    with pytest.raises(NotLinked):
        by_google(at_google(address, subject="another subject"))
    assert by_google(replace(at_google(address), email="renamed@people.example")).token


def test_a_subject_of_another_provider_is_somebody_else() -> None:
    address = newcomer()
    linked(address)
    enrol("http://127.0.0.1:1", "entra", "Microsoft")
    other = replace(at_google(address), provider=directory.one("entra"))
    with pytest.raises(NotLinked):
        by_google(other)
    directory.withdraw(principal=SYSTEM, name="entra")


def test_linking_ends_every_other_session_and_tells_the_owner() -> None:
    address = newcomer()
    elsewhere = by_password(address)
    who = linked(address)
    with pytest.raises(SessionEnded):
        entered_again(elsewhere)
    assert "now signs you in here" in mails_to(address)[-1]
    assert entered_again(who).account_id


def entered_again(who: Principal) -> Principal:
    with transaction(who) as tx:
        return tx.principal


def test_the_address_must_be_that_of_the_account() -> None:
    address = newcomer()
    who = by_password(address)
    with pytest.raises(Rejected, match="another e-mail address"):
        linking.link(principal=who, identity=at_google("b@people.example"), sessions=Sessions())
    assert entered_again(who).account_id, "Nothing has changed."
    spelt = replace(at_google(address), email=f" {address.upper()}")
    assert linking.link(principal=who, identity=spelt, sessions=Sessions())


def test_linking_and_unlinking_need_a_fresh_proof(now: list[datetime]) -> None:
    address = newcomer()
    who = linked(address)
    now[0] += LONG
    with pytest.raises(proof.ProofNeeded):
        linking.link(principal=who, identity=at_google(address), sessions=Sessions())
    with pytest.raises(proof.ProofNeeded):
        linking.unlink(principal=who, provider="google", sessions=Sessions())


def test_one_google_account_opens_one_account() -> None:
    first, second = newcomer(), newcomer()
    linked(first, subject="shared subject")
    who = by_password(second)
    with pytest.raises(Rejected, match="another account"):
        linking.link(principal=who, identity=at_google(second, "shared subject"), sessions=Sessions())
    # And one account one of Google's: the newer takes the older's place.
    linked(first, subject="newer subject")
    with pytest.raises(NotLinked):
        by_google(at_google(first, "shared subject"))
    assert by_google(at_google(first, "newer subject")).token


def test_unlinked_it_opens_nothing_any_more() -> None:
    address = newcomer()
    who, elsewhere = linked(address), entered(by_google(at_google(address)).token)
    token = linking.unlink(principal=who, provider="google", sessions=Sessions())
    assert token
    with pytest.raises(SessionEnded):
        entered_again(elsewhere)
    with pytest.raises(NotLinked):
        by_google(at_google(address))
    assert "does not sign you in here any more" in mails_to(address)[-1]
    assert linking.unlink(principal=entered(token), provider="google", sessions=Sessions()) is None
    with pytest.raises(NotFound):
        linking.unlink(principal=entered(token), provider="nobody", sessions=Sessions())


def test_the_only_way_in_is_not_taken_away() -> None:
    address = newcomer()
    who = linked(address)
    with transaction(SYSTEM) as tx:
        tx.execute(delete(AccountPassword).where(AccountPassword.account_id == who.account_id))
    with pytest.raises(Rejected, match="only way in"):
        linking.unlink(principal=who, provider="google", sessions=Sessions())
    assert by_google(at_google(address)).token


def test_nobody_unlinks_or_sees_another() -> None:
    address, other = newcomer(), newcomer()
    linked(address)
    stranger = by_password(other)
    assert linking.unlink(principal=stranger, provider="google", sessions=Sessions()) is None
    with transaction(stranger) as tx:
        assert tx.scalar(select(func.count(AccountIdentity.id))) == 0
    assert by_google(at_google(address)).token


# --------------------------------------------------------------------------------- as after a right password


def test_a_second_factor_is_asked_for_after_google_too(now: list[datetime]) -> None:
    address = newcomer(founder=True)
    who = linked(address)
    assert who.factor_missing
    second_factor.begin(principal=who)
    with transaction(who) as tx:
        pending = second_factor.pending(tx)
    assert pending
    app = pyotp.TOTP(pending.secret)
    second_factor.confirm(principal=who, otp=app.at(now[0]), sessions=Sessions())
    now[0] += timedelta(seconds=30)
    with pytest.raises(CodeNeeded) as needed:
        by_google(at_google(address, domain="People.Example"))
    assert not isinstance(needed.value, CodeRefused)

    def go_on(otp: str) -> SignedIn:
        return signing_in.sign_in_by_code(
            half_way=needed.value.half_way,
            otp=otp,
            sessions=Sessions(),
            visitor=HERE,
            device=None,
            throttles=NO_LIMIT,
        )

    with pytest.raises(CodeRefused):
        go_on("000000")
    who = entered(go_on(app.at(now[0])).token)
    assert who.founder
    with transaction(who) as tx:
        own = tx.scalars(select(AccountSession).where(AccountSession.id == who.session_id)).one()
    assert (own.came_by, own.came_from) == ("google", "people.example")


@pytest.mark.parametrize("state", [AccountStatus.SUSPENDED, AccountStatus.LOCKED])
def test_who_may_not_sign_in_may_not_by_google(state: AccountStatus) -> None:
    address = newcomer()
    linked(address)
    status(address, state)
    with pytest.raises(NotLinked):
        by_google(at_google(address))
    ask(at_google(address))
    assert linking.write_offers(Purpose("test"))["for nobody"] == 1


def test_a_provider_that_is_not_in_use_opens_nothing() -> None:
    address = newcomer()
    linked(address)
    identity = at_google(address)
    directory.withdraw(principal=SYSTEM, name="google")
    with pytest.raises(NotLinked):
        by_google(identity)
    enrol("http://127.0.0.1:1")
    assert by_google(at_google(address)).token, "Back again, the link is still there."


def test_wrong_codes_after_google_take_the_tries_of_passwords(now: list[datetime]) -> None:
    address = newcomer()
    who = linked(address)
    second_factor.begin(principal=who)
    with transaction(who) as tx:
        pending = second_factor.pending(tx)
    assert pending
    second_factor.confirm(principal=who, otp=pyotp.TOTP(pending.secret).at(now[0]), sessions=Sessions())
    with pytest.raises(CodeNeeded) as needed:
        by_google(at_google(address))
    limits = Throttles()
    for _ in range(5):
        with pytest.raises(CodeRefused):
            signing_in.sign_in_by_code(
                half_way=needed.value.half_way,
                otp="000000",
                sessions=Sessions(),
                visitor=HERE,
                device=None,
                throttles=limits,
            )
    with pytest.raises(Throttled):
        by_google(at_google(address), limits, Visitor("203.0.113.9"))


# ------------------------------------------------------------------------------------------- by the mailbox


def test_a_mailed_link_links_once() -> None:
    address = newcomer()
    before = by_password(address)
    ask(at_google(address))
    token = mailed_token(address)
    offered = linking.offered(token)
    assert offered == linking.Offered("Google", address)
    assert linking.accept(token=token, address=None) == "Google"
    with pytest.raises(SessionEnded):
        entered_again(before)
    assert linking.offered(token) is None
    with pytest.raises(Rejected, match="has been used"):
        linking.accept(token=token, address=None)
    assert by_google(at_google(address)).token
    assert linking.write_offers(Purpose("test")) == {"written": 0, "for nobody": 0, "told": 1}
    assert "now signs you in here" in mails_to(address)[-1]
    assert linking.write_offers(Purpose("test"))["told"] == 0, "Told once."


def test_an_address_without_account_gets_no_mail_and_leaves_nothing() -> None:
    ask(at_google("nobody@people.example"))
    assert linking.write_offers(Purpose("test"))["for nobody"] == 1
    assert mails_to("nobody@people.example") == []
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count()).where(IdentityOffer.account_id.is_(None))) == 0


def test_a_mailed_link_ends_with_its_time_and_with_a_change_of_credentials(now: list[datetime]) -> None:
    address = newcomer()
    ask(at_google(address))
    late = mailed_token(address)
    now[0] += timedelta(minutes=29)
    assert linking.offered(late)
    now[0] += timedelta(minutes=2)
    assert linking.offered(late) is None
    ask(at_google(address))
    token = mailed_token(address)
    credentials.change_password(
        principal=by_password(address),
        current=PASSWORD,
        new="walrus umbrella saxophone",
        visitor=HERE,
        cost=COST,
        sessions=Sessions(),
        throttles=NO_LIMIT,
    )
    assert linking.offered(token) is None
    with pytest.raises(Rejected):
        linking.accept(token=token, address=None)


def test_asking_takes_what_was_sealed_for_minutes_only(now: list[datetime]) -> None:
    word = linking.offer(at_google(newcomer()))
    now[0] += LONG
    for wrong in (word, "", "00", "zz", secrets.token_hex(64)):
        with pytest.raises(Rejected, match="Start again"):
            linking.ask_for_link(word=wrong, visitor=HERE, throttles=NO_LIMIT)


def test_links_are_not_asked_for_without_end() -> None:
    address = newcomer()
    for _ in range(3):
        ask(at_google(address), Throttles())
    with pytest.raises(Throttled):
        ask(at_google(address), Throttles())


def test_a_mailed_link_does_not_take_a_google_account_from_another() -> None:
    first, second = newcomer(), newcomer()
    linked(first, subject="one and the same")
    ask(at_google(second, "one and the same"))
    with pytest.raises(Rejected):
        linking.accept(token=mailed_token(second), address=None)


def test_old_offers_are_forgotten(now: list[datetime]) -> None:
    address = newcomer()
    ask(at_google(address))
    mailed_token(address)
    now[0] += timedelta(days=2, minutes=1)
    linking.write_offers(Purpose("test"))
    with transaction(SYSTEM) as tx:
        kept = [each.email for each in tx.scalars(select(IdentityOffer))]
    assert address not in kept
