"""What is said of a person or class, as it is kept: cleaned, sealed, digested."""

from collections.abc import Callable, Iterable
from functools import cache, lru_cache, partial
from typing import NamedTuple

from backoffice.accounts.addresses import email_index, normalise_email
from backoffice.schools import names
from backoffice.storage import keyring
from backoffice.wording import clean
from plugins.rosters.importing.digests import Digest, Digester, kept, scope

# Few enough to weigh nothing, many enough for the names and classes that are near each other in a file.
REMEMBERED = 8192


class Sealer:
    """What the names and identifiers of one import become."""

    def __init__(self) -> None:
        self._links: Digester = kept("source")
        self._contents: Digester = kept("content")
        self._years: Digester = kept("year")
        self._sealing: Callable[[str], Callable[[bytes], bytes]] = cache(keyring.current().sealing)
        self._username = keyring.current().username_digest
        self._word = lru_cache(maxsize=REMEMBERED)(self._tokens_of_word)
        self._prefix = lru_cache(maxsize=REMEMBERED)(names.token)
        self.written = lru_cache(maxsize=REMEMBERED)(names.written)

    def link(self, school: int, source: str) -> Digest:
        """What a later import of the school recognises the identifier by."""
        return self._links(scope(school) + source.encode())

    def link_in_district(self, district: int, source: str) -> Digest:
        """The same for a school, within its district."""
        return self._links(b"district" + scope(district) + source.encode())

    def years(self, school: int, years: Iterable[str]) -> Digest:
        """What tells a class of one school year from the same class of another."""
        return self._years(scope(school) + "\0".join(years).encode())

    def content(self, *values: str | None) -> Digest:
        """What tells whether any of the values has changed."""
        # No value holds a control character.
        return self._contents("\0".join(value or "" for value in values).encode())

    def seal(self, value: str, context: str) -> bytes:
        """A value as a sealed column keeps it."""
        return self._sealing(context)(value.encode())

    def username(self, school: int, username: str) -> str:
        """The digest of a username, 32 hex digits."""
        return self._username(username, school=str(school))

    def tokens(self, school: int, *parts: str | None) -> list[bytes]:
        """What `names.tokens` says of a name, from memory where it can be."""
        found: set[bytes] = set()
        for part in parts:
            if part:
                for word in part.split(" "):
                    found |= self._word(school, word)
        return sorted(found)

    def _tokens_of_word(self, school: int, word: str) -> frozenset[bytes]:
        token = partial(self._prefix, school_id=school)
        return frozenset(
            token(plain[:size])
            for plain in names.plain(word).split()
            for size in range(1, min(len(plain), names.LONGEST_PREFIX) + 1)
        )


class Teacher(NamedTuple):
    """A teacher's name and address as an account keeps them."""

    name: str
    email: str
    blind_index: bytes


def teacher(given: str, family: str, email: str) -> Teacher:
    """The account's form of a teacher."""
    address = normalise_email(email)
    return Teacher(clean(f"{given} {family}"), address, email_index(address))
