"""What is asked of an authenticator, and whether its answer is right. Knows no database.

The sentences of refusals stand here: each says what to do.
"""

import hashlib
import ipaddress
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from webauthn.helpers import (
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    generate_challenge,
    options_to_json_dict,
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_authenticator_data,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticationCredential,
    AuthenticatorData,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from backoffice import clock
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.storage import keyring
from backoffice.storage.keyring import KeyPurpose

SITE_NAME = "Classroom Back Office"
CHALLENGE_LASTS = timedelta(minutes=5)
# An identifier may have 1,023 bytes (WebAuthn, 4); a key of ML-DSA-87 has 2,592. This holds both, in base 64.
LONGEST_ANSWER = 16_000
LONGEST_IDENTIFIER = 1023

MALFORMED = lazy("Your browser sent something that is no passkey. Try again, or try another browser.")
EXPIRED = lazy("Too much time has passed. Try again.")
SPENT = lazy("This answer was used before. Try again.")
OTHER_CHALLENGE = lazy("This passkey answered another question than ours. Try again.")
OTHER_SITE = lazy(
    "This passkey was used at another address. Open this site by its own address and try again."
)
OTHER_PARTY = lazy("This passkey belongs to another site. Choose one that was made for this one.")
NOT_VERIFIED = lazy(
    "Your device did not check that it is you. Set up a PIN, a fingerprint or your face on it, and try again."
)
UNPROVEN = lazy("This passkey could not be checked. Try again, or sign in with your password.")
_SEALED = "passkey challenge"


class Act(StrEnum):
    """What a passkey is asked for. An answer to one counts for no other."""

    ADD = "add"
    SIGN_IN = "sign in"
    SECOND_FACTOR = "second factor"
    PROVE = "prove"


@dataclass(frozen=True)
class Party:
    """For whom passkeys are made: the site's name, and the origin of its pages."""

    name: str
    origin: str


@dataclass(frozen=True)
class Asked:
    """A question for the browser, and its challenge in sealed form, for that browser's cookie."""

    options: Mapping[str, Any]
    challenge: str


@dataclass(frozen=True)
class Presented:
    """What a browser sends as an authenticator's answer, and the sealed challenge from its cookie."""

    answer: str
    challenge: str


@dataclass(frozen=True)
class Challenge:
    """A challenge that was opened: whose it is to be, and until when it counts."""

    value: bytes
    until: datetime

    @property
    def digest(self) -> UUID:
        """Under what it is remembered that it was used."""
        return UUID(bytes=keyring.current().digest(KeyPurpose.TOKEN, self.value)[:16])


@dataclass(frozen=True)
class Added:
    """A new key pair: its identifier, public half and count."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    backed_up: bool
    transports: list[str]


@dataclass(frozen=True)
class Signed:
    """An answer that is right, with the count that it names."""

    sign_count: int
    backed_up: bool


def party(base_url: str) -> Party | None:
    """The site, or None where it is reached by number: passkeys are made for a name."""
    parts = urlsplit(base_url)
    host, port = (parts.hostname or "").lower(), parts.port
    try:
        ipaddress.ip_address(host)
    except ValueError:
        usual = port is None or (parts.scheme, port) in {("http", 80), ("https", 443)}
        return Party(host, f"{parts.scheme}://{host}" if usual else f"{parts.scheme}://{host}:{port}")
    return None


def ask_to_add(
    site: Party, *, handle: str, email: str, name: str, known: Iterable[tuple[bytes, list[str]]]
) -> Asked:
    """Have a key pair made, but not on an authenticator that has one of these."""
    challenge = generate_challenge()
    options = webauthn.generate_registration_options(
        rp_id=site.name,
        rp_name=SITE_NAME,
        user_id=handle.encode(),
        user_name=email,
        user_display_name=name,
        challenge=challenge,
        timeout=_milliseconds(),
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_described(known),
    )
    return Asked(options_to_json_dict(options), _sealed(challenge, Act.ADD, handle))


def ask_to_sign(
    site: Party, act: Act, *, subject: str = "", known: Iterable[tuple[bytes, list[str]]] = ()
) -> Asked:
    """Have a challenge signed, by one of these if any are named."""
    challenge = generate_challenge()
    options = webauthn.generate_authentication_options(
        rp_id=site.name,
        challenge=challenge,
        timeout=_milliseconds(),
        allow_credentials=_described(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return Asked(options_to_json_dict(options), _sealed(challenge, act, subject))


def opened(sealed: str, act: Act, subject: str = "") -> Challenge:
    """The challenge of this browser's cookie, if it was for this. Raises `Rejected`."""
    try:
        said = json.loads(keyring.current().open(bytes.fromhex(sealed), context=_SEALED))
    except (ValueError, keyring.KeyringError):
        raise Rejected.whole(EXPIRED) from None
    value, for_act, for_subject, until = said
    if (for_act, for_subject) != (act, subject):
        raise Rejected.whole(OTHER_CHALLENGE)
    ends = datetime.fromisoformat(until)
    if ends < clock.now():
        raise Rejected.whole(EXPIRED)
    return Challenge(bytes.fromhex(value), ends)


def read_answer(answer: str) -> AuthenticationCredential:
    """What a browser sent as an answer, as it stands. Raises `Rejected`."""
    found: AuthenticationCredential = _parsed(parse_authentication_credential_json, answer)
    if len(found.raw_id) > LONGEST_IDENTIFIER:
        raise Rejected.whole(MALFORMED)
    return found


def check_added(site: Party, answer: str, challenge: Challenge) -> Added:
    """A key pair that was made as asked. Raises `Rejected`."""
    read: RegistrationCredential = _parsed(parse_registration_credential_json, answer)
    attestation = _parsed(parse_attestation_object, read.response.attestation_object)
    _check_said(site, read.response.client_data_json, attestation.auth_data, challenge)
    try:
        verified = webauthn.verify_registration_response(
            credential=read,
            expected_challenge=challenge.value,
            expected_rp_id=site.name,
            expected_origin=site.origin,
            require_user_verification=True,
        )
        # A key that could not be read later would lock its owner out.
        decoded_public_key_to_cryptography(decode_credential_public_key(verified.credential_public_key))
    except Exception:  # noqa: BLE001 - the library lets out whatever its parsers of a stranger's bytes raise
        raise Rejected.whole(UNPROVEN) from None
    if len(verified.credential_id) > LONGEST_IDENTIFIER:
        raise Rejected.whole(MALFORMED)
    transports: list[AuthenticatorTransport] = read.response.transports or []
    return Added(
        verified.credential_id,
        verified.credential_public_key,
        verified.sign_count,
        verified.credential_backed_up,
        sorted({each.value for each in transports}),
    )


def check_signed(
    site: Party, answer: AuthenticationCredential, challenge: Challenge, *, public_key: bytes
) -> Signed:
    """A challenge that was signed by the holder of a key. Raises `Rejected`.

    Whether the count went back is for the database, which orders those who come at once.
    """
    said = _parsed(parse_authenticator_data, answer.response.authenticator_data)
    _check_said(site, answer.response.client_data_json, said, challenge)
    try:
        verified = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge.value,
            expected_rp_id=site.name,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001 - as above
        raise Rejected.whole(UNPROVEN) from None
    return Signed(verified.new_sign_count, verified.credential_backed_up)


def _check_said(site: Party, client_data: bytes, said: AuthenticatorData, challenge: Challenge) -> None:
    """What can be told to a person apart; the library checks all of it again, and the signature over it."""
    client = _parsed(parse_client_data_json, client_data)
    if client.challenge != challenge.value:
        raise Rejected.whole(OTHER_CHALLENGE)
    # Nobody frames our pages: an answer from within another's is not ours either.
    if client.origin != site.origin or client.cross_origin:
        raise Rejected.whole(OTHER_SITE)
    if said.rp_id_hash != _hashed(site.name):
        raise Rejected.whole(OTHER_PARTY)
    if not said.flags.uv:
        raise Rejected.whole(NOT_VERIFIED)


def _parsed(parse: Callable[[Any], Any], value: str | bytes) -> Any:
    if len(value) > LONGEST_ANSWER:
        raise Rejected.whole(MALFORMED)
    try:
        return parse(value)
    except Exception:  # noqa: BLE001 - the library lets out whatever its parsers of a stranger's bytes raise
        raise Rejected.whole(MALFORMED) from None


def _hashed(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def _described(known: Iterable[tuple[bytes, list[str]]]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=credential_id, transports=[AuthenticatorTransport(each) for each in transports]
        )
        for credential_id, transports in known
    ]


def _sealed(challenge: bytes, act: Act, subject: str) -> str:
    said = json.dumps([challenge.hex(), act, subject, (clock.now() + CHALLENGE_LASTS).isoformat()])
    return keyring.current().seal(said.encode(), context=_SEALED).hex()


def _milliseconds() -> int:
    return int(CHALLENGE_LASTS.total_seconds() * 1000)
