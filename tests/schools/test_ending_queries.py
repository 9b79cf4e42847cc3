"""What somebody reads of contracts that end and of classes without a teacher."""

from datetime import date, timedelta

import pytest

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.schools.ending_queries import endings, ends_of, ownerless
from backoffice.schools.services.contracts import end_contract
from tests.factories.world import SYSTEM, World


def _seen(world: World, role: str) -> list[tuple[str, bool]]:
    with transaction(world.sign_in(role)) as tx:
        return [(each.place.split()[0], each.of_district) for each in endings(tx, most=9)]


def test_each_reads_of_the_own_places(world: World) -> None:
    assert sorted(_seen(world, "founder")) == [("Home", False), ("Outside", False)]
    for role in ("leader", "officer"):
        assert _seen(world, role) == [("Home", False)]
    for role in ("teacher", "outsider", "parent"):
        assert _seen(world, role) == []


def test_the_end_of_a_district_is_that_of_each_of_its_schools(world: World) -> None:
    last_day: date = clock.now().date() + timedelta(days=5)
    end_contract(principal=SYSTEM, school=world.elsewhere.public_id, last_day=last_day, whole_district=True)
    assert _seen(world, "leader") == [("Quillfeather", True), ("Home", False)]
    with transaction(world.sign_in("leader")) as tx:
        found = ends_of(tx, [world.home.id, world.elsewhere.id, world.outside.id])
        # The first comes, and nothing of a school of others.
        assert {number: each.of_district for number, each in found.items()} == {
            world.home.id: True,
            world.elsewhere.id: True,
        }
        assert found[world.home.id].last_day == last_day
        assert {each.school for each in endings(tx, most=9)} <= {
            world.home.public_id,
            world.elsewhere.public_id,
        }
    assert len(_seen(world, "founder")) == 3


@pytest.mark.parametrize(
    ("role", "names"), [("leader", ["Colleague Cranes"]), ("founder", []), ("teacher", [])]
)
def test_leaders_read_which_classes_nobody_teaches(world: World, role: str, names: list[str]) -> None:
    with transaction(world.sign_in(role)) as tx:
        assert [row.name for row in ownerless(tx, most=9)] == names
