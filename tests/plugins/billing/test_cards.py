"""What is a card number, and what only looks like one."""

import pytest

from plugins.billing.cards import card_numbers, is_luhn


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424242",
        "paid with 4242 4242 4242 4242 today",
        "card: 5555-5555-5555-4444;",
        "378282246310005",
        "(6011111111111117)",
        "30569309025904",
        '{"number": "3566002020360505"}',
        "2223003122003222",
    ],
)
def test_card_numbers_are_found(text: str) -> None:
    assert len(list(card_numbers(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424241",  # the last digit is wrong
        "1234567812345670",  # valid, and issued by nobody
        "cus_4242424242424242",
        "in_1PQ4242424242424242ab",
        "424242424242",  # too short
        "42424242424242424242424242424242",  # too long
        "2026-11-25 04:20:00.424242",
        "+1 202 555 0143",
        "",
    ],
)
def test_others_are_none(text: str) -> None:
    assert list(card_numbers(text)) == []


def test_luhn_knows_one_wrong_digit() -> None:
    right = "4242424242424242"
    for place in range(len(right)):
        wrong = right[:place] + str((int(right[place]) + 1) % 10) + right[place + 1 :]
        assert not is_luhn(wrong)
    assert is_luhn(right)
