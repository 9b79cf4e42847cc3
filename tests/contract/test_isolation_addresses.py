"""The isolation matrix, by what stands in addresses: see test_isolation_matrix.py."""

import pytest

from tests.contract.matrix import ROLES, Matrix, Tally, addresses


@pytest.mark.parametrize("role", ROLES)
def test_identifiers_in_addresses(matrix: Matrix, tally: Tally, role: str) -> None:
    """Somebody else's identifier in an address is as good as none; the own one works, or is denied."""
    addresses(matrix, tally, role)
    tally.verdict()
