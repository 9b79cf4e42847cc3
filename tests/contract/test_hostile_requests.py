"""Every route as every role with hostile values: no failure, nothing foreign, nothing of the inside.

This run is the same every time and bounded; `tests/faults/test_hostile_requests.py` is the long one.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from hypothesis import given, seed, settings

from backoffice.app import build
from backoffice.runtime import Runtime
from tests.contract.conftest import PROPERTY
from tests.contract.hostile import OF_NOTHING_BUT_THE_ATTACK, Fuzz, attacks
from tests.contract.matrix import ROLES, Matrix, Tally

ATTACKS = 2


@pytest.fixture(scope="module")
def app(runtime: Runtime) -> Flask:
    """Behind one proxy, so that forwarded headers are read."""
    return build(replace(runtime, settings=runtime.settings.model_copy(update={"proxy_hops": 1})))


@pytest.mark.by_turns
@pytest.mark.parametrize("role", ROLES)
def test_hostile_requests(matrix: Matrix, role: str, record_property: Callable[[str, object], None]) -> None:
    fuzz, tally = Fuzz(matrix), Tally()
    fired = given(attacks())(lambda attack: fuzz.fire(matrix.actor(role), attack, tally))
    # Each role meets attacks of its own, the same ones in every run.
    seed(ROLES.index(role))(settings(OF_NOTHING_BUT_THE_ATTACK, max_examples=ATTACKS)(fired))()
    record_property(f"{PROPERTY}, hostile requests", fuzz.counts())
    assert fuzz.requests >= ATTACKS * len(matrix.routes)
    tally.verdict()
