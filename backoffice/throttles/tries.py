"""Taking a try before something is tried, and giving it back when it went well.

A try is taken first and not counted afterwards: of a hundred requests at once no more get through than
are allowed. Short spans slow somebody down long before a long one locks them out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from limits import RateLimitItem, parse_many
from limits.strategies import FixedWindowRateLimiter

from backoffice import clock
from backoffice.problems import Throttled
from backoffice.throttles.storage import DatabaseStorage, connected

_LIMITER = FixedWindowRateLimiter(DatabaseStorage())


@dataclass(frozen=True)
class Claim:
    """One try of `what`, counted for `subject`, out of an allowance such as "5/minute;30/day"."""

    what: str
    allowance: str
    subject: str

    @property
    def spans(self) -> list[RateLimitItem]:
        """The allowance's spans, the shortest first: who is slowed down loses nothing of a day's tries."""
        return sorted(parse_many(self.allowance), key=lambda each: each.get_expiry())


@dataclass(frozen=True)
class Taken:
    """Tries that were taken."""

    claims: Sequence[Claim]

    def settle(self, *, counts: bool) -> None:
        """Let the tries count, or give them back. Either takes the same time."""
        with connected():
            for claim in self.claims:
                for span in claim.spans:
                    key = span.key_for(claim.what, claim.subject)
                    _LIMITER.storage.incr(key, span.get_expiry(), 0 if counts else -1)


def take(*claims: Claim) -> Taken:
    """Take one try of each claim. Raises `Throttled` with the time to wait if one has none left."""
    with connected():
        for claim in claims:
            for span in claim.spans:
                if not _LIMITER.hit(span, claim.what, claim.subject):
                    ends = _LIMITER.storage.get_expiry(span.key_for(claim.what, claim.subject))
                    raise Throttled(claim.what, timedelta(seconds=max(1.0, ends - clock.now().timestamp())))
    return Taken(claims)
