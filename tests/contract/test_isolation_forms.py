"""The isolation matrix, by what forms are sent: see test_isolation_matrix.py."""

import pytest

from tests.contract.matrix import ROLES, Matrix, Tally, filled_forms


@pytest.mark.parametrize("role", ROLES)
def test_forms(matrix: Matrix, tally: Tally, role: str) -> None:
    """A valid form changes the own rows it names; foreign identifiers in it change nothing foreign."""
    filled_forms(matrix, tally, role)
    tally.verdict()
