"""Passkeys as services: adding, signing in, proving, removing, and each way to be refused."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account, AccountLetter, AccountRecoveryCode, AccountStatus
from backoffice.accounts.passkeys import ceremony, services
from backoffice.accounts.passkeys.ceremony import Asked, Presented
from backoffice.accounts.passkeys.models import AccountPasskey
from backoffice.accounts.services import people, proof, second_factor, signing_in
from backoffice.accounts.services.proof import ProofNeeded
from backoffice.accounts.services.signing_in import CodeNeeded
from backoffice.audit.models import AuditEntry
from backoffice.problems import Rejected, Throttled
from backoffice.settings import Sessions, Throttles
from backoffice.storage import functions
from backoffice.storage.public_id import new_public_id
from backoffice.throttles.visitor import Visitor
from tests.factories.authenticator import PRESENT, Authenticator, encoded
from tests.factories.world import COST, NO_LIMIT, PASSWORD, SYSTEM, World

VISITOR = Visitor("198.51.100.24")
ORIGIN = "https://school.example"
found_site = ceremony.party(ORIGIN)
assert found_site is not None
SITE = found_site
Later = Callable[[timedelta], None]


@dataclass
class Owner:
    """An account, a session of it, and a device that can hold a passkey."""

    email: str
    who: Principal
    device: Authenticator = field(default_factory=lambda: Authenticator(ORIGIN))

    def add(self, device: Authenticator | None = None, **said: Any) -> second_factor.Changed:
        asked = self.asked_to_add()
        answer = (device or self.device).make(asked.options, **said)
        return self.finish(Presented(answer, asked.challenge))

    def asked_to_add(self) -> Asked:
        with transaction(self.who) as tx:
            return services.ask_to_add(tx, SITE)

    def finish(self, presented: Presented, name: str = "My phone") -> second_factor.Changed:
        changed = services.add(
            principal=self.who, name=name, presented=presented, site=SITE, sessions=Sessions()
        )
        self.who = entered(changed.token)
        return changed

    def named(self) -> list[str]:
        with transaction(self.who) as tx:
            return [each.name for each in services.passkeys(tx)]

    def remove(self, name: str = "My phone") -> None:
        with transaction(self.who) as tx:
            found = next(each.public_id for each in services.passkeys(tx) if each.name == name)
        changed = services.remove(principal=self.who, passkey=found, sessions=Sessions())
        self.who = entered(changed.token)

    def by_password(self, otp: str = "") -> Principal:
        begun = signing_in.sign_in(
            email=self.email,
            password=PASSWORD,
            otp=otp,
            sessions=Sessions(),
            cost=COST,
            visitor=VISITOR,
            device=None,
            throttles=NO_LIMIT,
        )
        return entered(begun.token)

    def half_way(self) -> str:
        with pytest.raises(CodeNeeded) as raised:
            self.by_password()
        return raised.value.half_way


def entered(token: str) -> Principal:
    with transaction(signing_in.credential(token, None)) as tx:
        return tx.principal


def sign_in(presented: Presented, throttles: Throttles = NO_LIMIT, **more: Any) -> Principal:
    begun = services.sign_in(
        presented=presented,
        site=SITE,
        sessions=Sessions(),
        visitor=VISITOR,
        device="Firefox on Linux",
        throttles=throttles,
        **more,
    )
    return entered(begun.token)


def signed(device: Authenticator, **said: Any) -> Presented:
    asked = services.ask_to_sign_in(SITE)
    return Presented(device.sign(asked.options, **said), asked.challenge)


def after_password(owner: Owner, half_way: str, device: Authenticator) -> Principal:
    asked = services.ask_for_second_factor(SITE, half_way=half_way)
    begun = services.sign_in_after_password(
        half_way=half_way,
        presented=Presented(device.sign(asked.options), asked.challenge),
        site=SITE,
        sessions=Sessions(),
        visitor=VISITOR,
        device=None,
        throttles=NO_LIMIT,
    )
    return entered(begun.token)


def refused(sentence: str, act: Callable[[], object]) -> None:
    with pytest.raises(Rejected) as raised:
        act()
    assert raised.value.fields == {"": sentence}


def told(owner: Owner) -> list[str]:
    with transaction(SYSTEM) as tx:
        mine = AccountLetter.account_id == owner.who.account_id
        return list(tx.scalars(select(AccountLetter.kind).where(mine).order_by(AccountLetter.id)))


def newest() -> AuditEntry:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()


def codes_of(owner: Owner) -> int:
    with transaction(SYSTEM) as tx:
        mine = AccountRecoveryCode.account_id == owner.who.account_id
        return len(tx.scalars(select(AccountRecoveryCode.id).where(mine)).all())


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Lets time pass."""
    at = [datetime.now(UTC)]
    monkeypatch.setattr(clock, "now", lambda: at[0])

    def later(by: timedelta) -> None:
        at[0] += by

    return later


def made(*, founder: bool = False) -> Owner:
    email = f"{new_public_id()}@people.example"
    people.create_account(
        principal=SYSTEM, email=email, name="Ona Owner", password=PASSWORD, cost=COST, founder=founder
    )
    owner = Owner(email, Principal(SYSTEM.credential))
    owner.who = owner.by_password()
    return owner


@pytest.fixture
def owner(world: World, now: Later) -> Owner:
    del world, now
    return made()


def test_a_passkey_alone_signs_in(owner: Owner) -> None:
    owner.add()
    who = sign_in(signed(owner.device))
    assert who.account_id == owner.who.account_id
    entry = newest()
    assert entry.verb == "accounts.sign-in"
    assert told(owner)[-1] == "new_device"


def test_what_is_asked_of_the_browser(owner: Owner) -> None:
    owner.add()
    made_with = owner.asked_to_add().options
    assert made_with["rp"] == {"id": "school.example", "name": ceremony.SITE_NAME}
    assert made_with["attestation"] == "none"
    assert made_with["authenticatorSelection"] == {
        "residentKey": "preferred",
        "requireResidentKey": False,
        "userVerification": "required",
    }
    assert [each["id"] for each in made_with["excludeCredentials"]] == [encoded(owner.device.credential_id)]
    asked = services.ask_to_sign_in(SITE).options
    assert (asked["userVerification"], asked["allowCredentials"]) == ("required", [])
    again = services.ask_for_second_factor(SITE, half_way=owner.half_way()).options
    assert [each["id"] for each in again["allowCredentials"]] == [encoded(owner.device.credential_id)]


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "http://[::1]:8000"])
def test_a_number_is_no_name(address: str) -> None:
    assert ceremony.party(address) is None


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("http://localhost:8000", "http://localhost:8000"),
        ("https://School.example/", "https://school.example"),
        ("https://school.example:443", "https://school.example"),
        ("https://school.example:8443", "https://school.example:8443"),
    ],
)
def test_the_origin_is_as_browsers_write_it(address: str, origin: str) -> None:
    site = ceremony.party(address)
    assert site is not None
    assert site.origin == origin


def test_recovery_codes_come_with_the_first_factor_and_go_with_the_last(owner: Owner) -> None:
    codes = owner.add().recovery_codes
    assert len(codes) == 10
    other = Authenticator(ORIGIN)
    assert owner.add(other).recovery_codes == ()
    assert owner.by_password(codes[0]).account_id == owner.who.account_id
    owner.remove()
    assert codes_of(owner) == 10
    owner.remove()
    assert codes_of(owner) == 0
    assert owner.by_password().account_id == owner.who.account_id, "No factor is left to ask for."


def test_the_codes_stay_while_another_kind_of_factor_is_left(owner: Owner) -> None:
    codes = owner.add().recovery_codes
    second_factor.begin(principal=owner.who)
    with transaction(owner.who) as tx:
        pending = second_factor.pending(tx)
    assert pending
    otp = pyotp.TOTP(pending.secret).at(clock.now())
    owner.who = entered(second_factor.confirm(principal=owner.who, otp=otp, sessions=Sessions()).token)
    with pytest.raises(CodeNeeded):
        owner.by_password(codes[0])
    owner.who = entered(second_factor.remove(principal=owner.who, sessions=Sessions()).token)
    assert codes_of(owner) == 10
    with transaction(owner.who) as tx:
        assert second_factor.factor(tx) == second_factor.Factor(None, 1, 10)


@pytest.mark.parametrize("change", ["add", "remove"])
def test_a_change_ends_every_other_session_and_tells_the_owner(owner: Owner, change: str) -> None:
    owner.add()
    elsewhere, before = sign_in(signed(owner.device)), owner.who
    if change == "add":
        owner.add(Authenticator(ORIGIN))
    else:
        owner.remove()
    for over in (elsewhere, before):
        with pytest.raises(SessionEnded), transaction(over) as tx:
            tx.connection()
    letter, verb = {
        "add": ("passkey_added", "accounts.add-passkey"),
        "remove": ("passkey_removed", "accounts.remove-passkey"),
    }[change]
    assert (told(owner)[-1], newest().verb) == (letter, verb)


def test_what_changes_passkeys_wants_fresh_proof(owner: Owner, now: Later) -> None:
    owner.add()
    asked = owner.asked_to_add()
    now(proof.LASTS + timedelta(seconds=1))
    acts: list[Callable[[], object]] = [
        owner.asked_to_add,
        lambda: owner.finish(Presented(Authenticator(ORIGIN).make(asked.options), asked.challenge)),
        owner.remove,
    ]
    for act in acts:
        with pytest.raises(ProofNeeded):
            act()


def test_a_passkey_proves_whose_session_it_is(owner: Owner, now: Later) -> None:
    owner.add()
    now(proof.LASTS + timedelta(seconds=1))
    prove(owner, owner.device)
    assert newest().verb == "accounts.prove"
    owner.remove()


def prove(owner: Owner, device: Authenticator) -> None:
    with transaction(owner.who) as tx:
        asked = services.ask_to_prove(tx, SITE)
    services.prove(
        principal=owner.who,
        presented=Presented(device.sign(asked.options), asked.challenge),
        site=SITE,
        visitor=VISITOR,
        throttles=NO_LIMIT,
    )


def test_nobody_proves_by_the_passkey_of_another(owner: Owner, now: Later) -> None:
    other = made()
    other.add()
    owner.add()
    now(proof.LASTS + timedelta(seconds=1))
    refused(services.FOREIGN, lambda: prove(owner, other.device))
    with pytest.raises(ProofNeeded):
        owner.remove()


def test_a_password_wants_a_second_factor_once_there_is_a_passkey(owner: Owner) -> None:
    owner.add()
    assert after_password(owner, owner.half_way(), owner.device).account_id == owner.who.account_id
    other = made()
    other.add()
    refused(services.FOREIGN, lambda: after_password(owner, owner.half_way(), other.device))


def test_a_change_ends_what_is_half_way(owner: Owner) -> None:
    owner.add()
    half_way = owner.half_way()
    owner.add(Authenticator(ORIGIN))
    refused(signing_in.TOO_LATE, lambda: after_password(owner, half_way, owner.device))


def test_who_is_half_way_is_told_only_of_own_passkeys(owner: Owner) -> None:
    owner.add()
    assert services.may_show_one(owner.half_way())
    for forged in ("", "zz", "00" * 60):
        assert not services.may_show_one(forged)
        with pytest.raises(Rejected):
            services.ask_for_second_factor(SITE, half_way=forged)


# ------------------------------------------------------------------------------------------- refusals


def said_wrongly(**said: Any) -> Callable[[Owner], Presented]:
    return lambda owner: signed(owner.device, **said)


def of_another_ceremony(owner: Owner) -> Presented:
    asked = services.ask_to_sign_in(SITE)
    return Presented(owner.device.sign(services.ask_to_sign_in(SITE).options), asked.challenge)


def for_another_act(owner: Owner) -> Presented:
    with transaction(owner.who) as tx:
        asked = services.ask_to_prove(tx, SITE)
    return Presented(owner.device.sign(asked.options), asked.challenge)


def unverified(owner: Owner) -> Presented:
    owner.device.flags = PRESENT
    return signed(owner.device)


def with_another_key(owner: Owner) -> Presented:
    other = Authenticator(ORIGIN, credential_id=owner.device.credential_id, handle=owner.device.handle)
    return signed(other)


def with_another_handle(owner: Owner) -> Presented:
    owner.device.handle = b"somebody-else"
    return signed(owner.device)


def of_nobody(_owner: Owner) -> Presented:
    return signed(Authenticator(ORIGIN))


def with_a_forged_challenge(owner: Owner) -> Presented:
    return Presented(signed(owner.device).answer, "00" * 60)


def as_registration(owner: Owner) -> Presented:
    return signed(owner.device, type="webauthn.create")


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        (ceremony.OTHER_SITE, said_wrongly(origin="https://school.example.evil.example")),
        (ceremony.OTHER_SITE, said_wrongly(origin="http://school.example")),
        (ceremony.OTHER_SITE, said_wrongly(crossOrigin=True)),
        (ceremony.OTHER_PARTY, said_wrongly(party="evil.example")),
        (ceremony.OTHER_CHALLENGE, of_another_ceremony),
        (ceremony.OTHER_CHALLENGE, for_another_act),
        (ceremony.NOT_VERIFIED, unverified),
        (ceremony.UNPROVEN, with_another_key),
        (ceremony.UNPROVEN, as_registration),
        (ceremony.EXPIRED, with_a_forged_challenge),
        (services.UNKNOWN, of_nobody),
        (services.FOREIGN, with_another_handle),
    ],
)
def test_each_wrong_answer_has_its_sentence(
    owner: Owner, sentence: str, wrong: Callable[[Owner], Presented]
) -> None:
    owner.add()
    presented = wrong(owner)
    refused(sentence, lambda: sign_in(presented))
    assert newest().verb == "accounts.sign-in-refused"


def hurt(answer: str, **parts: Any) -> str:
    read = json.loads(answer)
    for part, value in parts.items():
        (read if part in read else read["response"])[part] = value
    return json.dumps(read)


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        '"text"',
        "\ud800",
        "[" * 5000,
        DEEP,
        json.dumps({"id": 1}),
        json.dumps({"id": "a", "rawId": "é", "type": "public-key", "response": {}}),
        "x" * (ceremony.LONGEST_ANSWER + 1),
    ],
    ids=range(12),
)
def test_what_is_no_answer_is_refused_with_a_sentence(owner: Owner, answer: str) -> None:
    asked, adding = services.ask_to_sign_in(SITE), owner.asked_to_add()
    refused(ceremony.MALFORMED, lambda: sign_in(Presented(answer, asked.challenge)))
    refused(ceremony.MALFORMED, lambda: owner.finish(Presented(answer, adding.challenge)))


@pytest.mark.parametrize(
    "parts",
    [
        {"id": "other"},
        {"type": "password"},
        {"rawId": encoded(b"x" * 1024), "id": encoded(b"x" * 1024)},
        {"clientDataJSON": encoded(b"{")},
        {"clientDataJSON": encoded(b"[]")},
        {"clientDataJSON": encoded(b'{"type": 1, "challenge": 2, "origin": 3}')},
        {"clientDataJSON": encoded(b"[" * 9000)},
        {"clientDataJSON": encoded(b"\xff")},
        {"authenticatorData": encoded(b"short")},
        {"authenticatorData": encoded(bytes(36) + b"\xff" * 30)},
        {"signature": ""},
        {"signature": encoded(b"\x30")},
        {"userHandle": 7},
    ],
    ids=str,
)
def test_an_answer_that_was_tampered_with_is_refused(owner: Owner, parts: dict[str, Any]) -> None:
    owner.add()
    right = signed(owner.device)
    with pytest.raises(Rejected):
        sign_in(Presented(hurt(right.answer, **parts), right.challenge))


def test_a_challenge_is_answered_once(owner: Owner) -> None:
    owner.add()
    right = signed(owner.device)
    assert sign_in(right).account_id == owner.who.account_id
    refused(ceremony.SPENT, lambda: sign_in(right))


def test_of_many_who_answer_one_challenge_at_once_one_gets_in(owner: Owner) -> None:
    owner.add()
    right = signed(owner.device)

    def tried(_number: int) -> bool:
        try:
            sign_in(right)
        except Rejected:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(tried, range(8))) == 1


def test_a_refused_answer_has_spent_its_challenge(owner: Owner) -> None:
    owner.add()
    asked = services.ask_to_sign_in(SITE)
    wrong = owner.device.sign(asked.options, origin="https://evil.example")
    refused(ceremony.OTHER_SITE, lambda: sign_in(Presented(wrong, asked.challenge)))
    right = owner.device.sign(asked.options)
    refused(ceremony.SPENT, lambda: sign_in(Presented(right, asked.challenge)))


def test_a_challenge_lives_for_minutes(owner: Owner, now: Later) -> None:
    owner.add()
    in_time, late = signed(owner.device), signed(owner.device)
    now(ceremony.CHALLENGE_LASTS)
    assert sign_in(in_time).account_id == owner.who.account_id
    now(timedelta(seconds=1))
    refused(ceremony.EXPIRED, lambda: sign_in(late))


def test_one_account_answers_no_challenge_of_another(owner: Owner) -> None:
    other = made()
    asked = other.asked_to_add()
    answer = owner.device.make(asked.options)
    refused(ceremony.OTHER_CHALLENGE, lambda: owner.finish(Presented(answer, asked.challenge)))
    assert owner.named() == []


def test_a_count_that_goes_back_is_refused_and_told(owner: Owner) -> None:
    owner.device = Authenticator(ORIGIN, count=5, counts=True)
    owner.add()
    copy = owner.device.copy()
    assert sign_in(signed(owner.device)).account_id == owner.who.account_id
    refused(services.COPIED, lambda: sign_in(signed(copy)))
    assert "passkey_copied" in told(owner)
    with transaction(SYSTEM) as tx:
        verbs = select(AuditEntry.verb).order_by(AuditEntry.id.desc()).limit(2)
        assert "accounts.passkey-copied" in tx.scalars(verbs).all()
    assert sign_in(signed(owner.device)).account_id == owner.who.account_id, "The owner's own goes on."


def test_a_count_may_pass_two_thousand_million(owner: Owner) -> None:
    owner.device = Authenticator(ORIGIN, count=2**32 - 3, counts=True)
    owner.add()
    assert sign_in(signed(owner.device)).account_id == owner.who.account_id


def test_who_never_counts_is_no_copy(owner: Owner) -> None:
    owner.add()
    for _ in range(2):
        assert sign_in(signed(owner.device)).account_id == owner.who.account_id


def test_a_suspended_account_is_told_what_a_stranger_is(owner: Owner) -> None:
    owner.add()
    presented = signed(owner.device)
    with transaction(SYSTEM) as tx:
        mine = Account.id == owner.who.account_id
        tx.execute(update(Account).where(mine).values(status=AccountStatus.SUSPENDED))
    refused(services.UNKNOWN, lambda: sign_in(presented))


def test_a_removed_passkey_is_unknown(owner: Owner) -> None:
    owner.add()
    presented = signed(owner.device)
    owner.remove()
    refused(services.UNKNOWN, lambda: sign_in(presented))


def test_a_passkey_belongs_to_one_account(owner: Owner) -> None:
    other = made()
    other.add()
    refused(services.TAKEN, lambda: owner.add(other.device))
    refused(services.TAKEN, lambda: other.add(other.device))
    assert (owner.named(), other.named()) == ([], ["My phone"])


def test_nobody_removes_the_passkey_of_another(owner: Owner) -> None:
    other = made()
    other.add()
    with transaction(other.who) as tx:
        theirs = services.passkeys(tx)[0].public_id
    with pytest.raises(NotFound):
        services.remove(principal=owner.who, passkey=theirs, sessions=Sessions())
    assert other.named() == ["My phone"]


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        (ceremony.OTHER_SITE, {"origin": "https://evil.example"}),
        (ceremony.OTHER_PARTY, {"party": "evil.example"}),
        (ceremony.OTHER_CHALLENGE, {"challenge": encoded(b"another")}),
        (ceremony.UNPROVEN, {"type": "webauthn.get"}),
    ],
)
def test_a_new_passkey_is_checked_like_a_known_one(owner: Owner, sentence: str, said: dict[str, Any]) -> None:
    refused(sentence, lambda: owner.add(**said))
    assert owner.named() == []


def test_a_new_passkey_wants_its_owner_verified(owner: Owner) -> None:
    refused(ceremony.NOT_VERIFIED, lambda: owner.add(Authenticator(ORIGIN, flags=PRESENT)))


@pytest.mark.parametrize("name", ["", "   ", "\u200b"])
def test_a_passkey_has_a_name(owner: Owner, name: str) -> None:
    asked = owner.asked_to_add()
    with pytest.raises(Rejected) as raised:
        owner.finish(Presented(owner.device.make(asked.options), asked.challenge), name)
    assert raised.value.fields == {"name": services.NAMELESS}


def test_there_is_an_end_to_passkeys(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST", 1)
    owner.add()
    refused(services.TOO_MANY, lambda: owner.add(Authenticator(ORIGIN)))


def test_tries_are_throttled_and_good_ones_given_back(owner: Owner) -> None:
    few = NO_LIMIT.model_copy(update={"password_network": "2/hour"})
    owner.add()
    for _ in range(3):
        sign_in(signed(owner.device), few)
    for _ in range(2):
        refused(services.UNKNOWN, lambda: sign_in(signed(Authenticator(ORIGIN)), few))
    with pytest.raises(Throttled):
        sign_in(signed(owner.device), few)


def test_the_name_is_sealed(owner: Owner) -> None:
    owner.add()
    with transaction(SYSTEM) as tx:
        held = str(tx.connection().exec_driver_sql(f"select * from {AccountPasskey.__table__}").all())
    assert "My phone" not in held


def test_a_founder_with_a_passkey_has_a_second_factor(world: World, now: Later) -> None:
    del world, now
    founder = made(founder=True)
    assert (founder.who.founder, founder.who.factor_missing) == (False, True)
    founder.add()
    assert (founder.who.founder, founder.who.factor_missing) == (True, False)
    refused(second_factor.MUST, founder.remove)
    founder.add(Authenticator(ORIGIN))
    founder.remove()
    assert founder.who.founder
    refused(second_factor.MUST, founder.remove)


def test_a_founder_may_remove_the_app_that_a_passkey_stands_beside(world: World, now: Later) -> None:
    del world, now
    founder = made(founder=True)
    founder.add()
    second_factor.begin(principal=founder.who)
    with transaction(founder.who) as tx:
        pending = second_factor.pending(tx)
    assert pending
    otp = pyotp.TOTP(pending.secret).at(clock.now())
    founder.who = entered(second_factor.confirm(principal=founder.who, otp=otp, sessions=Sessions()).token)
    founder.who = entered(second_factor.remove(principal=founder.who, sessions=Sessions()).token)
    assert founder.who.founder
    refused(second_factor.MUST, founder.remove)


def test_a_passkey_that_goes_meanwhile_is_not_used(owner: Owner) -> None:
    owner.add()
    with transaction(owner.who) as tx:
        number = services.passkeys(tx)[0].id
    owner.remove()
    with transaction(owner.who) as tx:
        said = functions.use_passkey(tx, passkey_id=number, count=0, backed_up=False, at=clock.now())
    assert said == "gone"
