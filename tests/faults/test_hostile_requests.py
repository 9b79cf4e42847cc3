"""Minutes of hostile requests, with a seed: the long run of `tests/contract/test_hostile_requests.py`."""

import random
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from hypothesis import given, seed, settings

from backoffice.app import build
from backoffice.runtime import Runtime
from tests.contract.hostile import OF_NOTHING_BUT_THE_ATTACK, Attack, Fuzz, attacks
from tests.contract.matrix import ROLES, Matrix, Tally, build_matrix
from tests.factories.world import World

SECONDS = 300.0
# To repeat a run, write its seed here.
SEED = random.SystemRandom().randrange(2**32)
AT_A_TIME = 10


@pytest.fixture(scope="module")
def app(runtime: Runtime) -> Flask:
    """Behind one proxy, so that forwarded headers are read."""
    return build(replace(runtime, settings=runtime.settings.model_copy(update={"proxy_hops": 1})))


@pytest.fixture(scope="module")
def matrix(runtime: Runtime, world: World, app: Flask) -> Iterator[Matrix]:
    with build_matrix(runtime, world, app) as made:
        yield made


def test_minutes_of_hostile_requests(matrix: Matrix) -> None:
    print(f"\nseed {SEED}, {SECONDS:.0f} s", flush=True)
    fuzz, tally = Fuzz(matrix), Tally()
    chance = random.Random(SEED)
    end = time.monotonic() + SECONDS

    def fired(attack: Attack) -> None:
        if time.monotonic() < end:
            fuzz.fire(matrix.actor(chance.choice(ROLES)), attack, tally)

    number = SEED
    while time.monotonic() < end and not tally.problems:
        batch = settings(OF_NOTHING_BUT_THE_ATTACK, max_examples=AT_A_TIME)
        seed(number)(batch(given(attacks())(fired)))()
        number += 1
    print(", ".join(f"{count:,} {key}" for key, count in fuzz.counts().items()), flush=True)
    tally.verdict()
