"""A thousand addresses that guess codes, or PINs behind codes, for a week, against the real throttles."""

from random import Random

import pytest

from backoffice.settings import Throttles
from tests.factories.guessing import LESSON_CODES, STANDING_CODES, guess_for_a_week
from tests.factories.pin_guessing import CHILDREN, guess_pins, held_class, known_devices, most, strangers
from tests.factories.world import World

ADDRESSES = 1_000
REACH = 0.1
CLASSES_HELD = 4


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


def test_who_holds_codes_guesses_pins_for_a_week(world: World) -> None:
    """Fewer than one for each code held: with one code for 400 classes, fewer than one in 10,000 students."""
    throttles, dice = Throttles(), Random(28)
    tries, found, expected = 0, 0, 0.0
    for number in range(CLASSES_HELD):
        held = held_class(world, dice)
        sources = [strangers(40 + number), known_devices(held, 60 + number)]
        guessed = guess_pins(held, sources, throttles)
        assert most(throttles) - 1 <= guessed.tries <= most(throttles)
        assert guessed.expected < 1
        tries, found, expected = tries + guessed.tries, found + guessed.found, guessed.expected
    print(
        f"\ncodes of {CLASSES_HELD} classes of {CHILDREN}, 7 days: {tries:,} wrong tries got through, {found}"
        f" PINs found; expected at most {expected:.2f} for each class"
    )
