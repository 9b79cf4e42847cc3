"""How many codes somebody finds who guesses: counted with the real throttles, in simulated weeks."""

from datetime import timedelta
from itertools import islice

import pytest
from sqlalchemy import insert

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.problems import Throttled
from backoffice.schools.codes import ALPHABET, index, new_lesson_code
from backoffice.schools.models import ClassroomCode, CodeKind
from backoffice.schools.offensive import is_offensive
from backoffice.settings import Throttles
from backoffice.storage.public_id import many_words
from backoffice.throttles.tries import Claim, take
from tests.factories.guessing import (
    CODES_THERE_ARE,
    LESSON_CODES,
    LESSON_CODES_THERE_ARE,
    MOST_REFUSED,
    STANDING_CODES,
    expected,
    guess_for_a_week,
)
from tests.factories.world import SYSTEM, World

pytestmark = pytest.mark.usefixtures("runtime")
ADDRESSES, DAILY = 1_000, 27
# Seven days' tries, and those of a day that began before the week, but for the one that began it.
WEEKLY = 8 * DAILY - 1


def test_the_throttles_allow_no_more_than_eight_days_tries_in_a_week() -> None:
    week = guess_for_a_week(5, Throttles())
    assert week.tries == 5 * WEEKLY


def test_a_thousand_addresses_find_no_code_in_a_week() -> None:
    """On average 0.08 of 40,000 standing codes or 0.10 of 2,000 lesson codes that are live day and night.

    By the number of tries that the throttles were just seen to allow.
    """
    assert (CODES_THERE_ARE, LESSON_CODES_THERE_ARE) == (24**8, 24**7)
    assert (STANDING_CODES, LESSON_CODES) == (40_000, 2_000)
    assert expected(ADDRESSES * WEEKLY) <= 0.1


def test_few_codes_are_refused_for_what_they_could_say() -> None:
    drawn = 40_000
    for length in (7, 8):
        words = islice(many_words(ALPHABET, length), drawn)
        assert 0 < sum(map(is_offensive, words)) / drawn < MOST_REFUSED


@pytest.mark.parametrize("minutes", [1, -1])
def test_a_lesson_code_that_has_run_out_is_tried_as_any_other_word(world: World, minutes: int) -> None:
    """While it works it is no try; the throttles meet it by the moment of the try."""
    code = new_lesson_code()
    row = insert(ClassroomCode).values(
        school_id=world.home.id,
        classroom_id=world.own_class.id,
        kind=CodeKind.LESSON,
        code=code,
        code_index=index(code),
        issued_at=clock.now() - timedelta(hours=1),
        expires_at=clock.now() + timedelta(minutes=minutes),
    )
    with transaction(SYSTEM) as tx:
        tx.execute(row)
    claim = Claim("code by network", "1/day", f"192.0.2.{minutes + 10}")
    take(claim, code_index=index(code))
    if minutes > 0:
        take(claim, code_index=index(code))
    else:
        with pytest.raises(Throttled):
            take(claim, code_index=index(code))


def test_the_simulation_sees_looser_throttles() -> None:
    assert guess_for_a_week(2, Throttles(code_network="8/minute;40/day"), net=11).tries == 2 * (8 * 40 - 1)
