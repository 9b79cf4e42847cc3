"""An attacker who guesses class codes from many addresses, against the real throttles."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import count, cycle

import time_machine

from backoffice import clock
from backoffice.problems import Throttled
from backoffice.schools.codes import ALPHABET, LENGTH, LESSON_LENGTH, new_code, new_lesson_code
from backoffice.settings import Throttles
from backoffice.students.services import guess
from backoffice.throttles.tries import Claim, take
from backoffice.throttles.visitor import Visitor

DAYS = 7
STANDING_CODES = 40_000
LESSON_CODES = 2_000
DAY, PAUSE = timedelta(days=1), timedelta(seconds=61)
# How much of the week is left to a day's tries that were begun before it: enough to use up the rest of them.
LEFT = timedelta(hours=2)
# The part of all words that `is_offensive` may refuse at the most; an attacker who knows the list guesses
# among the others.
MOST_REFUSED = 0.06
CODES_THERE_ARE: int = len(ALPHABET) ** LENGTH
LESSON_CODES_THERE_ARE: int = len(ALPHABET) ** LESSON_LENGTH


@dataclass(frozen=True)
class Week:
    """What a week of guessing came to."""

    tries: int
    found: int

    @property
    def expected(self) -> float:
        """How many codes so many tries find on average, whichever of the two lengths is guessed at."""
        return expected(self.tries)


def expected(tries: int) -> float:
    """How many codes so many tries find on average.

    The attacker guesses at the length of which more is found: a try is of one length or the other.
    """
    standing, lesson = STANDING_CODES / CODES_THERE_ARE, LESSON_CODES / LESSON_CODES_THERE_ARE
    return tries * max(standing, lesson) / (1 - MOST_REFUSED)


def guess_for_a_week(addresses: int, throttles: Throttles, *, net: int = 10) -> Week:
    """Try random codes from each address as often as the throttles let it, over simulated days.

    Half of the tries are of lesson codes, all of which are taken to be live day and night.

    The attacker knows the throttles: it never waits longer than it must, and each address has made one try
    shortly after this hour of the day before, so that eight days' tries fall into the week.
    """
    live = {new_code() for _ in range(STANDING_CODES)} | {new_lesson_code() for _ in range(LESSON_CODES)}
    draw = cycle((new_code, new_lesson_code))
    claims = [
        guess(b"", Visitor(f"{net}.{n >> 16}.{n >> 8 & 255}.{n & 255}"), throttles) for n in range(addresses)
    ]
    tries = found = 0
    begin = clock.now()
    with time_machine.travel(begin, tick=False) as traveller:
        opened = begin - DAY + LEFT
        traveller.move_to(opened)
        for each in claims:
            take(*each)
        for day in range(DAYS + 1):
            # A second later each day, so that the day before is over.
            traveller.move_to(opened + day * (DAY + timedelta(seconds=1)) if day else begin)
            left = claims
            while left:
                got = [_tries(each) for each in left]
                tries += sum(got)
                found += sum(next(draw)() in live for _ in range(sum(got)))
                # Who gets nothing after a pause is locked out for the day.
                left = [each for each, times in zip(left, got, strict=True) if times]
                traveller.shift(PAUSE)
    return Week(tries, found)


def _tries(claims: tuple[Claim, ...]) -> int:
    """Try until it is refused."""
    for tries in count():
        try:
            take(*claims)
        except Throttled:
            return tries
    raise AssertionError
