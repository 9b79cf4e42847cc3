"""What is promised of payments, as it is checked every day."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import update

from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.models import AuditDetail
from backoffice.audit.trail import record
from backoffice.controls.check import Looking, State
from backoffice.runtime import Runtime
from backoffice.schools.models import School
from plugins.billing.checks import no_card_data, stripe_only
from plugins.billing.models import StripeEvent
from tests.factories.world import SYSTEM, World


@pytest.mark.parametrize(
    ("key", "base", "state"),
    [
        (None, None, State.HOLDS),
        ("sk_live_1", None, State.HOLDS),
        ("rk_live_1", None, State.HOLDS),
        # With a key for trying out nothing is paid, so that nothing has been shown.
        ("sk_test_1", None, State.NOT_EXERCISED),
        ("sk_live_1", "http://127.0.0.1:9", State.NOT_EXERCISED),
    ],
)
def test_payments_go_to_stripe_alone(
    app: Flask, runtime: Runtime, key: str | None, base: str | None, state: State
) -> None:
    set_to = {
        "stripe_api_key": SecretStr(key) if key else None,
        **({"stripe_api_base": base} if base else {}),
    }
    with transaction(SYSTEM) as tx:
        found = stripe_only(Looking(app, runtime.settings.model_copy(update=set_to), tx))
    assert found.state is state


CARD = "4242 4242 4242 4242"


def _looked(app: Flask, runtime: Runtime, tx: Transaction, **settings: Any) -> tuple[State, str]:
    found = no_card_data(Looking(app, runtime.settings.model_copy(update=settings), tx))
    return found.state, found.evidence


def _in_a_name(tx: Transaction, world: World) -> str:
    tx.execute(update(School).where(School.id == world.outside.id).values(name=f"School {CARD}"))
    return "app.school.name"


def _in_a_message(tx: Transaction, world: World) -> str:
    del world
    tx.execute(update(StripeEvent).values(kind=f"invoice.paid {CARD}"))
    return "plugin_billing.stripe_event.kind"


def _in_the_trail(tx: Transaction, world: World) -> str:
    record(tx, "billing.note", school_id=world.home.id, said=CARD)
    return str(AuditDetail.detail)


@pytest.mark.parametrize("plant", [_in_a_name, _in_a_message, _in_the_trail])
def test_a_card_number_that_is_kept_is_found(
    app: Flask, runtime: Runtime, world: World, plant: Callable[[Transaction, World], str]
) -> None:
    """Sealed or not, and in what the trail says."""
    with transaction(SYSTEM) as tx:
        assert _looked(app, runtime, tx)[0] is State.HOLDS
        where = plant(tx, world)
        tx.flush()
        state, said = _looked(app, runtime, tx)
        assert (state, where.rpartition(".")[2] in said, CARD in said) == (State.FALLS_SHORT, True, False)
        tx.rollback()


def test_a_card_number_in_the_log_is_found(
    app: Flask, runtime: Runtime, world: World, tmp_path: Path
) -> None:
    del world
    (tmp_path / "web.log").write_text("a request\n")
    with transaction(SYSTEM) as tx:
        state, said = _looked(app, runtime, tx, log_dir=tmp_path)
        assert (state, "1 log line" in said) == (State.HOLDS, True)
        (tmp_path / "web.log.1").write_text(f"typed: {CARD}\n")
        assert _looked(app, runtime, tx, log_dir=tmp_path)[0] is State.FALLS_SHORT
