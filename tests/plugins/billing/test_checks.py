"""What is promised of payments, as it is checked every day."""

import pytest
from flask import Flask
from pydantic import SecretStr

from backoffice.access.transaction import transaction
from backoffice.controls.check import Looking, State
from backoffice.runtime import Runtime
from plugins.billing.checks import stripe_only
from tests.factories.world import SYSTEM


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
