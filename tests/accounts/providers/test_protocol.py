"""What comes back from a provider is believed only if everything about it fits."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from authlib.oauth2 import client
from joserfc.jwk import OctKey

from backoffice import clock
from backoffice.accounts.providers import fetching, protocol
from backoffice.accounts.providers.fetching import NoAnswer
from backoffice.accounts.providers.protocol import Identity, Provider, Refused, Round
from backoffice.accounts.providers.services import directory
from backoffice.runtime import Runtime
from tests.factories.vouching import SECRET, Vouching, new_key, vouching

BACK = "http://localhost:8000/sign-in/google/callback"


@pytest.fixture
def google(runtime: Runtime) -> Iterator[Vouching]:
    del runtime
    with vouching() as made:
        yield made


def provider(made: Vouching) -> Provider:
    return directory.one(made.name)


def come(made: Vouching, journey: Round | None = None, **claims: Any) -> Identity:
    """Go there and come back."""
    journey = journey or Round.new()
    location = protocol.address_to_go_to(provider(made), journey, back=BACK)
    return protocol.identify(provider(made), journey, made.sends_back(location, **claims), back=BACK)


def why(made: Vouching, **claims: Any) -> str:
    with pytest.raises(Refused) as refused:
        come(made, **claims)
    return refused.value.why


def now() -> int:
    return int(clock.now().timestamp())


def test_an_honest_answer_says_who_it_is(google: Vouching) -> None:
    found = come(google, sub="1002", email="Ada@School.example", hd="school.example")
    assert (found.subject, found.email, found.domain) == ("1002", "Ada@School.example", "school.example")
    assert come(google, hd=None).domain is None
    assert come(google, aud=["classroom"]).provider.name == "google"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"aud": "another"}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": ["classroom", "another"], "azp": "classroom"}, "aud"),
        ({"azp": "another"}, "azp"),
        ({"iss": "https://accounts.another.example"}, "iss"),
        ({"iss": None}, "iss"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "x" * 256}, "sub"),
        ({"exp": None}, "exp"),
        ({"iat": None}, "iat"),
        ({"iat": True}, "iat"),
        ({"email_verified": False}, "email not verified"),
        ({"email_verified": "false"}, "email not verified"),
        ({"email_verified": None}, "email not verified"),
        ({"email": None}, "email not verified"),
        ({"email": ["a@people.example"]}, "email not verified"),
    ],
)
def test_a_claim_that_does_not_fit_is_refused(google: Vouching, claims: dict[str, Any], reason: str) -> None:
    # `None` leaves the claim out; the world's own answer fits, as the test above shows.
    assert why(google, **claims) == reason


def test_a_token_that_is_old_or_of_tomorrow_is_refused(google: Vouching) -> None:
    assert why(google, exp=now() - 121) == "exp"
    assert why(google, exp=now() + 600, iat=now() - 601) == "iat"
    assert why(google, iat=now() + 150) == "iat"
    assert come(google, iat=now() + 60).subject, "Clocks differ a little."


def test_only_the_fixed_algorithms_count_whatever_the_provider_lists(google: Vouching) -> None:
    google.metadata = {"id_token_signing_alg_values_supported": ["none", "HS256", "RS384"]}
    for algorithm in ("none", "RS384"):
        google.algorithm = algorithm
        assert why(google) == "signature", algorithm


def test_a_shared_secret_among_the_keys_signs_nothing(google: Vouching) -> None:
    shared = OctKey.import_key("a secret that everybody can read, long enough", {"kid": "shared"})
    google.listed = [google.key.as_dict(private=False), shared.as_dict(private=True)]
    google.key, google.algorithm = shared, "HS256"  # type: ignore[assignment]
    assert why(google) == "signature"


def test_another_key_under_the_same_name_is_refused(google: Vouching) -> None:
    google.listed = [google.key.as_dict(private=False)]
    google.key = new_key("first")
    assert why(google) == "signature"


def test_keys_are_kept_and_asked_for_again_once_when_a_new_one_signs(google: Vouching) -> None:
    come(google)
    come(google)
    assert google.asked.count("/keys") == 1
    google.key = new_key("second")
    assert come(google).subject
    assert google.asked.count("/keys") == 2
    # One that it does not list is not asked for for ever.
    google.listed, google.key = [google.key.as_dict(private=False)], new_key("third")
    assert why(google) == "signature"
    assert google.asked.count("/keys") == 3


def test_what_a_provider_says_of_itself_is_kept_for_minutes(
    google: Vouching, monkeypatch: pytest.MonkeyPatch
) -> None:
    come(google)
    come(google)
    assert google.asked.count("/.well-known/openid-configuration") == 1
    later: Callable[[], datetime] = lambda: datetime.now().astimezone() + timedelta(minutes=11)  # noqa: E731
    monkeypatch.setattr(clock, "now", later)
    come(google)
    assert google.asked.count("/.well-known/openid-configuration") == 2


def test_the_state_is_compared_and_a_code_works_once(google: Vouching) -> None:
    journey = Round.new()
    location = protocol.address_to_go_to(provider(google), journey, back=BACK)
    sent_back = google.sends_back(location)
    for wrong in ({"state": "another"}, {"state": ""}, {"state": "ä"}):
        with pytest.raises(Refused, match="does not fit"):
            protocol.identify(provider(google), journey, {**sent_back, **wrong}, back=BACK)
    assert protocol.identify(provider(google), journey, sent_back, back=BACK).subject
    with pytest.raises(Refused) as refused:
        protocol.identify(provider(google), journey, sent_back, back=BACK)
    assert refused.value.why == "code"


def test_a_code_of_somebody_elses_journey_is_refused(google: Vouching) -> None:
    """PKCE: whoever got hold of another's code has not the word that it was asked for with."""
    mine, theirs = Round.new(), Round.new()
    protocol.address_to_go_to(provider(google), mine, back=BACK)
    stolen = google.sends_back(protocol.address_to_go_to(provider(google), theirs, back=BACK))
    with pytest.raises(Refused) as refused:
        protocol.identify(provider(google), mine, {"state": mine.state, "code": stolen["code"]}, back=BACK)
    assert refused.value.why == "code"


def test_an_answer_of_another_issuer_and_one_that_was_given_up(google: Vouching) -> None:
    journey = Round.new()
    sent_back = google.sends_back(protocol.address_to_go_to(provider(google), journey, back=BACK))
    with pytest.raises(Refused) as refused:
        protocol.identify(provider(google), journey, {**sent_back, "iss": "https://b.example"}, back=BACK)
    assert refused.value.why == "issuer of the answer"
    for answer, sentence in (
        ({"state": journey.state, "error": "access_denied"}, protocol.GIVEN_UP),
        ({"state": journey.state}, protocol.REFUSED),
    ):
        with pytest.raises(Refused) as refused:
            protocol.identify(provider(google), journey, answer, back=BACK)
        assert refused.value.sentence == sentence


def test_the_secret_goes_where_the_provider_wants_it(google: Vouching) -> None:
    google.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert come(google).subject
    assert "Authorization" not in client.DEFAULT_HEADERS, "The secret stays out of the library's own."
    assert SECRET not in repr(Refused("x"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "https://accounts.another.example"},
        {"issuer": None},
        {"token_endpoint": "http://accounts.another.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
        {"jwks_uri": "https://[x"},
    ],
)
def test_a_provider_that_says_wrong_things_of_itself_is_not_asked(
    google: Vouching, wrong: dict[str, Any]
) -> None:
    google.metadata = wrong
    with pytest.raises(NoAnswer):
        come(google)


def test_a_provider_that_is_slow_or_drips_is_given_up(
    google: Vouching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "ANSWERS_WITHIN", 0.3)
    google.slow = {"/token": 0.6}
    with pytest.raises(NoAnswer, match="too slow"):
        come(google)
    google.slow, google.dripping = {}, {"/token"}
    with pytest.raises(NoAnswer, match="too slow"):
        come(google)


def test_what_is_too_large_or_no_json_or_an_error_is_no_answer(google: Vouching) -> None:
    address = f"{google.address}/.well-known/openid-configuration"
    google.metadata = {"filling": "x" * fetching.LARGEST}
    with pytest.raises(NoAnswer, match="too large"):
        fetching.ask(address)
    google.metadata = {}
    google.statuses = {"/.well-known/openid-configuration": 500}
    with pytest.raises(NoAnswer, match="status 500"):
        protocol.discover(provider(google))
    google.statuses = {"/token": 503}
    with pytest.raises(NoAnswer, match="status 503"):
        come(google)
    google.statuses, google.listed = {}, []
    protocol.forget()
    with pytest.raises(NoAnswer, match="no keys"):
        come(google)


def test_a_redirect_is_not_followed(google: Vouching) -> None:
    google.statuses = {"/.well-known/openid-configuration": 302}
    status, _said = fetching.ask(f"{google.address}/.well-known/openid-configuration")
    assert status == 302
    with pytest.raises(NoAnswer):
        protocol.discover(provider(google))


def test_nobody_there_and_addresses_without_https() -> None:
    with pytest.raises(NoAnswer, match="not reached"):
        fetching.ask("http://127.0.0.1:1/")
    assert fetching.is_safe("https://accounts.google.com/x")
    for address in ("http://accounts.google.com", "ftp://localhost/", "localhost", "https://", "", None, 7):
        assert not fetching.is_safe(address), address
    with pytest.raises(NoAnswer, match="without https"):
        fetching.ask("http://accounts.google.com/")


def test_not_all_threads_wait_for_a_provider(google: Vouching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "WAITS_FOR_TURN", 0.01)
    taken = 0
    while fetching._turns.acquire(blocking=False):
        taken += 1
    try:
        with pytest.raises(NoAnswer, match="too many at once"):
            fetching.ask(google.address)
    finally:
        for _ in range(taken):
            fetching._turns.release()
    assert taken == 4
    assert json.dumps(fetching.ask(f"{google.address}/keys")[1])
