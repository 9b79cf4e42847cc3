"""A thousand addresses that guess class codes for a week, against the real throttles."""

import pytest

from backoffice.settings import Throttles
from tests.factories.guessing import LESSON_CODES, STANDING_CODES, guess_for_a_week

ADDRESSES = 1_000
REACH = 0.1


@pytest.mark.usefixtures("runtime")
def test_a_thousand_addresses_guess_for_a_week() -> None:
    # As if it waited out the hours of the throttle that all share: only its own addresses hold it back.
    week = guess_for_a_week(ADDRESSES, Throttles(code_overall="1000000/second"))
    print(
        f"\n{ADDRESSES:,} addresses, 7 days: {week.tries:,} tries got through, {week.found} codes found;"
        f"\nexpected of {STANDING_CODES:,} standing and {LESSON_CODES:,} lesson codes: {week.expected:.3f}"
        f" (reach {REACH})"
    )
    assert week.expected <= REACH
