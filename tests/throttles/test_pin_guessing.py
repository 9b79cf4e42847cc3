"""How many PINs somebody finds who holds class codes: counted with the real throttles, in simulated days."""

from random import Random

import pytest
from sqlalchemy import text

from backoffice.runtime import Runtime
from backoffice.settings import Throttles
from backoffice.storage.roles import DatabaseRole
from backoffice.students.pins import digits
from tests.factories.pin_guessing import (
    CHOSEN_FROM,
    MOST_COMMON,
    Guessed,
    guess_pins,
    held_class,
    known_devices,
    most,
    strangers,
)
from tests.factories.world import World

# What 0.0327 % or more of 3.4 million people chose (docs/decisions.md), in the order of how many did.
PUBLISHED = """
1234 1111 0000 1212 7777 1004 2000 4444 2222 6969 9999 3333 5555 6666 1122 1313 8888 2001 4321 1010 0909 2580
0007 1818 1230 1984 1986 0070 1985 0987 1000 1231 1987 1999 2468 2002 2323 0123 1123 1233 1357 1221 1324 1988
2112 2121 5150 1024 1112 1224 1969 1225 1235 1982 1983 1001 1978 1979 7410 1020 1223 1974 1975 1977 1980 1981
1029 1121 1213 1973 1976 2020 2345 2424 2525 1515 1970 1972 1989 0001 1023 1414 9876 0101 0907 1245 1966 1967
1971 8520 1964 1968 4545 1318 5678 1011 1124 1211 1963 4200 4567 1007 1012 1025 1120 1125 1214 1236 1965 7942
1028 1209 1227 3535 7890 0420 1210 1222 1701 1919 5425 1113 1226 1717 1957 1959 1990 5252 0202 1002 1003 1114
1205 1215 1220 1228 1956 1962 3232 0124 0303 0505 0815 1013 1014 1021 1022 1027 1030 1101 1128 1133 1945 1955
1960 3030 3210 5050 9090 0077 1092 1126 1130 1204 1005 1009 1031 1104 1115 1117 1119 1127 1203 1217 1218 1379
1958 3434 5656 7878 0411 1017 1018 1019 1026 1103 1129 1216 1229 1961 1991 2626 6789 8282 9111 0321 0808 1008
1015 1102 1118 1201 1202 1232 2727 3456 7979 0102 0707 1052 1105 1206 1207 1208 1616 1953 1954 1998 2848 3131
0121 0147 0316 1006 1219 1243 1942 2003 5000 5454 0011 0125 0404 0912 1107 1108 1314 1423 1951 1952 2004 2211
2233 2828 0214 1016 1100 1106 1110 1116 1478 1950 1992 3000 3636 4242 8989 0203 0604 0911 1109 1254 1321 1492
1949 7788 0120 0311 1256 1290 1346 4141 0009 0210 0314 0922 1369 1432 1472 2486 4862
"""


@pytest.fixture(autouse=True)
def _nothing_tried(runtime: Runtime) -> None:
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.execute(text("delete from app.throttle"))


def test_what_most_people_choose_is_refused() -> None:
    assert [pin for pin in PUBLISHED.split() if not digits.is_weak(pin)] == []
    assert len(CHOSEN_FROM) == round(1 / MOST_COMMON)


def test_who_holds_one_code_for_ten_thousand_students_finds_less_than_one_pin_in_a_week() -> None:
    assert Guessed(most(Throttles()), 0).expected < 1


def test_a_day_allows_no_more_than_the_formula_says(world: World) -> None:
    """From a thousand addresses and at as many devices as the attacker can have let in, together."""
    held = held_class(world, Random(28))
    guessed = guess_pins(held, [strangers(30), known_devices(held, 31)], Throttles(), days=1)
    bound = most(Throttles(), days=1)
    # Where both count as one, the second try before the day is one of the day's.
    assert bound - 1 <= guessed.tries <= bound


def test_the_simulation_sees_looser_throttles(world: World) -> None:
    held, loose = held_class(world, Random(28)), Throttles(pin_class="60/day")
    guessed = guess_pins(held, [strangers(32)], loose, days=1)
    assert guessed.tries == 2 * 60 - 1
