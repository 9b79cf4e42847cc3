"""What a class may be called a year later: its year and its grade raised, where its name shows them."""

import re

HIGHEST_GRADE = 12
# "2025/26", "2025-2026", also with a longer dash
_TWO_YEARS = re.compile(r"(?<!\d)(20\d\d)(\s?[/\u2013-]\s?)(20\d\d|\d\d)(?!\d)")
_ONE_YEAR = re.compile(r"(?<!\d)20\d\d(?!\d)")
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}
_ORDINAL = re.compile(r"(?<!\d)(?P<grade>\d{1,2})(?:st|nd|rd|th)\b", re.IGNORECASE)
# At the beginning, alone or with one letter ("3", "3B", "10-A"); or after a word that says what it is.
_GRADE = re.compile(
    r"(?P<before>^|\b(?:grade|year|class|klasse|form|primary|stage|level|[gpy])\.?\s?)"
    r"(?P<grade>\d{1,2})(?=[A-Za-z]?(?![A-Za-z0-9]))",
    re.IGNORECASE,
)


def raised(name: str) -> str:
    """The name with its years and its grade one higher; as it is, where it shows neither.

    Other numbers ("Period 2", "Room 104") stay.
    """
    name, pairs = _TWO_YEARS.subn(_next_years, name)
    # A year of a pair is not raised once more.
    return _with_grade(name if pairs else _ONE_YEAR.sub(lambda year: str(int(year[0]) + 1), name))


def _next_years(found: re.Match[str]) -> str:
    first, second = int(found[1]), found[3]
    # "2025/26" and "2025/2026" are a school year, "2025/30" is something else.
    if not str(first + 1).endswith(second):
        return found[0]
    return f"{first + 1}{found[2]}{str(first + 2)[-len(second) :]}"


def _with_grade(name: str) -> str:
    found = _ORDINAL.search(name) or _GRADE.search(name)
    if found is None or not 1 <= int(found["grade"]) <= HIGHEST_GRADE:
        return name
    grade = int(found["grade"]) + 1
    ending = _ENDINGS.get(grade, "th") if found.re is _ORDINAL else ""
    return f"{name[: found.start('grade')]}{grade}{ending}{name[found.end() :]}"
