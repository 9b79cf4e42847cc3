"""A Stripe that cannot be reached, for what needs none, and what this plugin keeps, put back afterwards."""

from collections.abc import Iterator

import pytest
import stripe
from stripe import StripeClient

from backoffice.runtime import Runtime
from plugins.billing import asking
from plugins.billing.asking import Stripe

SECRET = "whsec_of_the_tests"


@pytest.fixture
def nowhere(runtime: Runtime) -> Iterator[Stripe]:
    """The process is connected to a Stripe that never answers."""
    client = StripeClient(
        "sk_test_nowhere",
        base_addresses={"api": "http://127.0.0.1:9"},
        http_client=stripe.RequestsClient(timeout=1),
        max_network_retries=0,
    )
    made = Stripe(client, SECRET)
    before = asking.use(made)
    yield made
    asking.use(before)
