"""Taking tries: counted in the database for all processes, slowed down before locked out, given back."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from backoffice import clock
from backoffice.access.principal import Nobody, Purpose
from backoffice.access.transaction import transaction
from backoffice.problems import Throttled
from backoffice.runtime import Runtime
from backoffice.settings import Throttles
from backoffice.storage import database, functions
from backoffice.storage.roles import DatabaseRole
from backoffice.throttles.tries import Claim, Taken, take

pytestmark = pytest.mark.usefixtures("runtime")


@pytest.fixture
def claim() -> Claim:
    """A claim that nobody has made before."""
    return Claim("test", "3/minute;5/day", uuid4().hex)


@pytest.fixture(autouse=True)
def noon() -> Iterator[time_machine.Traveller]:
    """A clock that stands still."""
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield traveller


def taken(claim: Claim, times: int) -> int:
    """How many of so many tries get through."""
    got = 0
    for _ in range(times):
        try:
            take(claim)
        except Throttled:
            continue
        got += 1
    return got


def refused(claim: Claim) -> Throttled:
    with pytest.raises(Throttled) as raised:
        take(claim)
    return raised.value


def test_a_short_span_slows_down(claim: Claim) -> None:
    assert taken(claim, 10) == 3
    assert refused(claim).wait == timedelta(minutes=1)


def test_what_was_refused_takes_nothing_of_the_day(claim: Claim, noon: time_machine.Traveller) -> None:
    assert taken(claim, 50) == 3
    noon.shift(timedelta(seconds=61))
    assert taken(claim, 10) == 2


def test_what_was_refused_is_not_owed_when_others_have_their_tries_back(claim: Claim) -> None:
    """Of many who come at once, those who were refused take nothing from who comes after them."""
    under_way = [take(claim) for _ in range(3)]
    assert taken(claim, 20) == 0
    for each in under_way:
        each.give_back()
    assert taken(claim, 10) == 3


def test_the_long_span_locks_out_until_it_ends(claim: Claim, noon: time_machine.Traveller) -> None:
    for _ in range(3):
        taken(claim, 3)
        noon.shift(timedelta(minutes=2))
    assert refused(claim).wait == timedelta(hours=24) - timedelta(minutes=6)
    noon.shift(timedelta(hours=24))
    assert taken(claim, 10) == 3


def test_what_went_well_is_given_back(claim: Claim) -> None:
    for _ in range(20):
        take(claim).give_back()
    assert taken(claim, 10) == 3


def test_nobody_gets_tries_by_giving_back_more_than_was_taken(claim: Claim) -> None:
    for _ in range(5):
        Taken((claim,)).give_back()
    assert taken(claim, 10) == 3


def test_a_try_given_back_after_its_span_is_none_of_the_next(
    claim: Claim, noon: time_machine.Traveller
) -> None:
    late = take(claim)
    noon.shift(timedelta(days=2))
    take(claim)
    late.give_back()
    assert 2 <= taken(claim, 10) <= 3


def test_subjects_and_kinds_do_not_share(claim: Claim) -> None:
    taken(claim, 10)
    assert taken(Claim(claim.what, claim.allowance, uuid4().hex), 10) == 3
    assert taken(Claim("another", claim.allowance, claim.subject), 10) == 3


def test_of_many_at_once_no_more_get_through() -> None:
    """Taken first and not counted afterwards: there is no moment in between."""
    claim = Claim("test", "10/day", uuid4().hex)
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _each: taken(claim, 10), range(8))) == 10


def test_what_stands_behind_a_refusal_loses_nothing(claim: Claim) -> None:
    other = Claim("behind", "2/day", claim.subject)
    for _ in range(9):
        with pytest.raises(Throttled):
            take(Claim(claim.what, "0/day", claim.subject), other)
    assert taken(other, 5) == 2


def test_what_stands_before_a_refusal_loses_nothing_either(claim: Claim) -> None:
    """A throttle that all share runs out, and nobody's own day is spent on it."""
    other = Claim("before", "2/day", claim.subject)
    for _ in range(9):
        with pytest.raises(Throttled):
            take(other, Claim(claim.what, "0/day", claim.subject))
    assert taken(other, 5) == 2


def test_many_who_take_the_same_two_in_turn_do_not_block_each_other(claim: Claim) -> None:
    """Whatever the order in which they are asked for."""
    one, two = (Claim(name, "1000/day", claim.subject) for name in ("one", "two"))

    def go(number: int) -> None:
        for _ in range(20):
            take(*((one, two) if number % 2 else (two, one))).give_back()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(go, range(8)))


def test_another_process_counts_on(runtime: Runtime, claim: Claim) -> None:
    """And one that starts later: the counts outlive whoever made them."""
    program = (
        "import sys; from pathlib import Path\n"
        "from backoffice.runtime import open_runtime; from backoffice.settings import Settings\n"
        "from backoffice.throttles.tries import Claim, take\n"
        "open_runtime(Settings(keyring_file=Path(sys.argv[1])), sys.argv[2])\n"
        "for _ in range(3): take(Claim(*sys.argv[3:]))\n"
    )
    arguments = [
        runtime.settings.keyring,
        runtime.database.address,
        claim.what,
        claim.allowance,
        claim.subject,
    ]
    subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        check=True,
    )
    assert taken(claim, 1) == 0


def test_the_table_names_nobody() -> None:
    take(Claim("test", "3/minute", "203.0.113.77"))
    rows = _as_owner("select t::text from app.throttle t")
    assert rows
    assert "203.0.113.77" not in str(rows)
    assert "test" not in str(rows)


def test_the_web_reads_nothing_and_the_system_nothing_without_a_purpose(runtime: Runtime) -> None:
    """Retention tells how old the oldest count is."""
    everything = text("select * from app.throttle")
    with runtime.database.engine(DatabaseRole.APP).connect() as connection, pytest.raises(ProgrammingError):
        connection.execute(everything)
    with runtime.database.engine(DatabaseRole.SYSTEM).connect() as connection:
        assert connection.execute(everything).all() == []


@pytest.mark.parametrize("role", [DatabaseRole.APP, DatabaseRole.SYSTEM])
@pytest.mark.parametrize(
    "statement",
    [
        "delete from app.throttle",
        "update app.throttle set tries = 0",
        "insert into app.throttle values (gen_random_uuid(), 1, now())",
    ],
)
def test_nobody_writes_the_table(runtime: Runtime, role: DatabaseRole, statement: str) -> None:
    with runtime.database.engine(role).connect() as connection, pytest.raises(ProgrammingError):
        connection.execute(text(statement))


def test_the_web_cannot_forget_for_all() -> None:
    with pytest.raises(ProgrammingError), transaction(Nobody()) as tx:
        functions.forget_past_tries(tx, before=clock.now())


def test_spans_that_are_over_are_forgotten(claim: Claim, noon: time_machine.Traveller) -> None:
    _as_owner("delete from app.throttle returning 1")
    take(claim)
    noon.shift(timedelta(minutes=2))
    with transaction(Purpose("core.forget-tries")) as tx:
        assert functions.forget_past_tries(tx, before=clock.now()) == 1
    assert len(_as_owner("select key from app.throttle")) == 1


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [
        (0.2, "Wait 2 seconds, then try again."),
        (42, "Wait 42 seconds, then try again."),
        (120, "Wait 120 seconds, then try again."),
        (121, "Wait 3 minutes, then try again."),
        (7_201, "Wait 3 hours, then try again."),
    ],
)
def test_the_time_to_wait_is_said_and_never_less_than_it_is(seconds: float, sentence: str) -> None:
    assert Throttled("test", timedelta(seconds=seconds)).sentence == sentence


def _as_owner(statement: str) -> list[object]:
    engine = database.current().engine(DatabaseRole.OWNER)
    with engine.begin() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def test_every_span_is_kept_for_two_days_at_most() -> None:
    """As the inventory says."""
    for allowance in Throttles().model_dump().values():
        assert max(span.get_expiry() for span in Claim("", allowance, "").spans) <= 2 * 24 * 3600
