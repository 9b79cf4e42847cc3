"""Students of many schools by the beginnings of their names, in one look-up of an index."""

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.schools import finding, names
from backoffice.schools.models import Student
from backoffice.storage import functions
from tests.factories.world import SYSTEM, Child, World, add_child

NAMESAKE = ("Zebulon", "Zimmerwald")


@pytest.fixture(scope="module")
def namesakes(world: World) -> dict[str, Child]:
    """Children of one name: at both schools of the leader, and at one that is not theirs."""
    with transaction(SYSTEM) as tx:
        return {
            each: add_child(tx, room, *NAMESAKE)
            for each, room in (
                ("own", world.own_class),
                ("sister", world.elsewhere_class),
                ("foreign", world.foreign_class),
            )
        }


@pytest.fixture
def leading(world: World) -> Iterator[Transaction]:
    """A transaction of the leader of two schools."""
    with transaction(world.sign_in("leader")) as tx:
        yield tx


def found(tx: Transaction, *words: str) -> set[str]:
    """The identifiers of those whose names begin so, as the principal sees them."""
    statement = select(Student.public_id).where(finding.named(tx.principal, words))
    return set(tx.scalars(visible(tx.principal, statement)))


def test_all_own_schools_are_looked_at_and_no_other(
    leading: Transaction, namesakes: dict[str, Child]
) -> None:
    for words in (["zeb"], ["zimmerw"], ["zeb", "zimm"], ["ZIMM", "Zebulon"]):
        assert found(leading, *words) == {namesakes["own"].public_id, namesakes["sister"].public_id}, words


@pytest.mark.parametrize("words", [["zeb", "other"], ["ebulon"], ["zebulonn"]])
def test_each_word_must_begin_a_name(
    leading: Transaction, namesakes: dict[str, Child], words: list[str]
) -> None:
    assert namesakes
    assert found(leading, *words) == set()


def test_whoever_has_no_school_finds_nobody(world: World, namesakes: dict[str, Child]) -> None:
    assert namesakes
    with transaction(world.sign_in("founder")) as tx:
        assert found(tx, "zeb") == set()


def test_another_schools_rows_are_not_told_to_whoever_names_it(
    leading: Transaction, world: World, namesakes: dict[str, Child]
) -> None:
    """Beneath the policy: a statement that asks for a foreign school by its number."""
    for room, there in ((world.own_class, 1), (world.foreign_class, 0)):
        named = functions.find(
            schools=[room.school_id], tokens=[names.token("zeb", school_id=room.school_id)]
        )
        assert leading.scalar(select(func.count()).select_from(named)) == there
    assert namesakes


def test_a_token_of_one_school_finds_nobody_at_another(leading: Transaction, world: World) -> None:
    own, sister = world.own_class.school_id, world.elsewhere_class.school_id
    named = functions.find(schools=[sister], tokens=[names.token("zeb", school_id=own)])
    assert leading.scalar(select(func.count()).select_from(named)) == 0


def test_no_schools_are_no_failure(leading: Transaction) -> None:
    for tokens in ([], [b"12345678"]):
        named = functions.find(schools=[], tokens=tokens)
        assert leading.scalar(select(func.count()).select_from(named)) == 0


@pytest.mark.parametrize("tokens", [[], [b"12345678"]])
def test_too_few_tokens_find_nobody(leading: Transaction, tokens: list[bytes]) -> None:
    schools = sorted(leading.principal.led_schools)
    assert len(schools) == 2
    named = functions.find(schools=schools, tokens=tokens)
    assert leading.scalar(select(func.count()).select_from(named)) == 0


def test_a_name_is_not_looked_for_by_no_words(world: World) -> None:
    principal: Principal = world.sign_in("leader")
    with transaction(principal) as tx:
        assert found(tx) == set()
