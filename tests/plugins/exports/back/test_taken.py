"""Each kind and field that an export may have is taken in, or it is said in a sentence why not."""

import pytest
from sqlalchemy import Table

from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime
from plugins.exports.back.taken import FIELDS_NOT_TAKEN_IN, NOT_TAKEN_IN, TAKEN
from plugins.exports.content import Scope, left_out
from plugins.exports.content.kinds import Kind, kind_of


@pytest.fixture(scope="module")
def kinds(runtime: Runtime) -> dict[str, Kind]:
    """All that any export may have, by name."""
    tables: list[Table] = [table for each in runtime.metadatas for table in each.sorted_tables]
    scope = Scope(Subject.SCHOOL, 0, "")
    found = [kind_of(table, scope) for table in tables if left_out.why_not(str(table)) is None]
    return {kind.name: kind for kind in found}


def test_every_kind_is_taken_in_or_has_a_reason(kinds: dict[str, Kind]) -> None:
    unsaid = kinds.keys() - TAKEN.keys() - NOT_TAKEN_IN.keys()
    assert unsaid == set(), "Take it in, or say in taken.NOT_TAKEN_IN why it stays out."
    assert TAKEN.keys().isdisjoint(NOT_TAKEN_IN)


def test_every_field_is_taken_in_or_has_a_reason(kinds: dict[str, Kind]) -> None:
    fields = {f"{name}.{field.name}" for name in TAKEN for field in kinds[name].fields}
    taken = {f"{kind}.{name}" for kind, names in TAKEN.items() for name in names}
    assert fields - taken == FIELDS_NOT_TAKEN_IN.keys()
    assert taken <= fields


def test_nothing_is_named_that_there_is_not(kinds: dict[str, Kind]) -> None:
    assert NOT_TAKEN_IN.keys() <= kinds.keys()
