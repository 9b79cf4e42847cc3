"""How many codes somebody finds who guesses: counted with the real throttles, in simulated weeks."""

import pytest

from backoffice.settings import Throttles
from tests.factories.guessing import CODES_THERE_ARE, STANDING_CODES, guess_for_a_week

pytestmark = pytest.mark.usefixtures("runtime")
ADDRESSES, DAILY, DAYS = 1_000, 30, 7


def test_the_throttles_allow_thirty_tries_a_day_and_address() -> None:
    week = guess_for_a_week(5, Throttles())
    assert week.tries == 5 * DAILY * DAYS


def test_a_thousand_addresses_find_no_code_in_a_week() -> None:
    """On average 0.08 of 40,000, by the number of tries that the throttles were just seen to allow."""
    assert CODES_THERE_ARE == 24**8
    assert ADDRESSES * DAILY * DAYS * STANDING_CODES / CODES_THERE_ARE <= 0.1


def test_the_simulation_sees_looser_throttles() -> None:
    assert guess_for_a_week(2, Throttles(code_network="8/minute;40/day"), net=11).tries == 2 * 40 * DAYS
