"""Recognising card numbers: by their length, their first digits and Luhn's check (ISO/IEC 7812-1, annex B).

Stripe's identifiers and our own hold letters among their digits, so that none of them is mistaken for one.
"""

import re
from collections.abc import Iterator

# 13 to 19 digits, alone or in groups, with no letter or digit beside them.
_DIGITS = re.compile(r"(?<![A-Za-z0-9_.,-])\d(?:[ -]?\d){12,18}(?![A-Za-z0-9_])")
# Visa, Mastercard, American Express, Discover, Diners, JCB, UnionPay: what is issued at all.
_ISSUED = re.compile(
    r"4|5[1-5]|2(?:2[2-9]|[3-6]|7[01])|3[47]|6(?:011|4[4-9]|5|2)|3(?:0[0-5]|[68])|35(?:2[89]|[3-8])"
)


def card_numbers(text: str) -> Iterator[str]:
    """What in a text is a valid card number, in digits."""
    for found in _DIGITS.finditer(text):
        digits = re.sub(r"\D", "", found[0])
        if _ISSUED.match(digits) and is_luhn(digits):
            yield digits


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the one that the others ask for."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + place % 2)
        total += number - 9 if number > 9 else number  # noqa: PLR2004
    return total % 10 == 0
