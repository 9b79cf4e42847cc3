"""An attacker who tries few passwords at many accounts from many networks, against the real throttles."""

from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

import time_machine
from limits import parse_many

from backoffice import clock
from backoffice.accounts.passwords import FEWEST_GUESSES
from backoffice.accounts.services.signing_in import guess
from backoffice.problems import Throttled
from backoffice.settings import Throttles
from backoffice.throttles.tries import take
from backoffice.throttles.visitor import Visitor

HOUR = timedelta(hours=1)
PAUSE = timedelta(seconds=61)


@dataclass(frozen=True)
class Sprayed:
    """What an hour came to: how many guesses got through to a password, and at how many accounts."""

    guesses: int
    accounts: int

    @property
    def expected(self) -> float:
        """How many accounts so many guesses open on average, each at a password as early as we take one."""
        return self.guesses / FEWEST_GUESSES


def most_in_an_hour(throttles: Throttles, *, networks: int, accounts: int) -> int:
    """The bound by formula: the least of what networks, accounts and all together are allowed."""
    return min(
        networks * _in_an_hour(throttles.password_network),
        accounts * _in_an_hour(throttles.password_account),
        _in_an_hour(throttles.password_overall),
    )


def spray_for_an_hour(throttles: Throttles, *, networks: int, accounts: int, net: int) -> Sprayed:
    """Guess from so many networks at so many accounts, as often as the throttles let it, for an hour.

    The attacker knows the throttles: whichever network or account is refused rests until the next minute,
    and no try is made that would be refused for a known reason. `net` is the first part of its addresses.
    """
    homes = [Visitor(f"{net}.{n >> 16}.{n >> 8 & 255}.{n & 255}") for n in range(networks)]
    targets = [f"{net} {n}".encode() for n in range(accounts)]
    guesses, reached = 0, set()
    begin = clock.now()
    with time_machine.travel(begin, tick=False) as traveller:
        while clock.now() - begin < HOUR:
            through = _for_a_minute(homes, targets, throttles)
            guesses += len(through)
            reached |= set(through)
            traveller.shift(PAUSE)
    return Sprayed(guesses, len(reached))


def _for_a_minute(homes: list[Visitor], targets: list[bytes], throttles: Throttles) -> list[bytes]:
    """At which accounts a guess gets through before nothing is left to try."""
    through: list[bytes] = []
    sources, waiting = deque(homes), deque(targets)
    while sources and waiting:
        try:
            take(*guess(waiting[0], sources[0], throttles))
        except Throttled as throttled:
            match throttled.what:
                case "password by network":
                    sources.popleft()
                case "password by account":
                    waiting.popleft()
                case _:
                    return through
        else:
            through.append(waiting[0])
            sources.rotate()
            waiting.rotate()
    return through


def _in_an_hour(allowance: str) -> int:
    """An allowance's tries from the first of them on, for an hour."""
    return min(span.amount * ceil(HOUR.total_seconds() / span.get_expiry()) for span in parse_many(allowance))
