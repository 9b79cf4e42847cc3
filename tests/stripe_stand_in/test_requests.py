"""Keys, idempotency, errors, lists, and what can be made to fail."""

import time
from typing import Any

import pytest
import stripe

from tests.stripe_stand_in.conftest import Taker
from tests.stripe_stand_in.running import StandIn


def replayed(one: stripe.Customer) -> bool:
    assert one.last_response
    return one.last_response.headers.get("Idempotent-Replayed") == "true"


def test_the_same_key_gives_the_same_answer(client: stripe.StripeClient, stand_in: StandIn) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "one-of-ours"}
    first = client.v1.customers.create({"email": "a@example.org"}, options)
    again = client.v1.customers.create({"email": "a@example.org"}, options)
    assert again.id == first.id
    assert replayed(again)
    assert not replayed(first)
    with pytest.raises(stripe.IdempotencyError) as refused:
        client.v1.customers.create({"email": "b@example.org"}, options)
    assert refused.value.http_status == 400
    assert [one["idempotency_key"] for one in stand_in.control.requests()] == ["one-of-ours"] * 3


def test_what_was_refused_for_its_parameters_may_be_asked_again(client: stripe.StripeClient) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "mended"}
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.prices.create({"currency": "usd"}, options)
    made = client.v1.prices.create(
        {"currency": "usd", "unit_amount": 5, "product_data": {"name": "Thing"}}, options
    )
    assert made.unit_amount == 5


def test_a_wrong_key(stand_in: StandIn, client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.AuthenticationError) as refused:
        stripe.StripeClient(
            "sk_test_of_somebody_else", base_addresses={"api": stand_in.address}
        ).v1.balance.retrieve()
    assert refused.value.http_status == 401
    assert "sk_test_of_somebody_else" not in str(refused.value)
    assert client.v1.balance.retrieve().object == "balance"
    assert "sk_test" not in str(stand_in.control.requests())


def test_errors_say_what_is_wrong(client: stripe.StripeClient) -> None:
    def refused(code: str, status: int, param: str | None) -> None:
        error = caught.value
        assert (error.code, error.http_status) == (code, status)
        assert isinstance(error, stripe.InvalidRequestError)
        assert error.param == param
        assert error.request_id

    with pytest.raises(stripe.StripeError) as caught:
        client.v1.customers.retrieve("cus_nobody")
    refused("resource_missing", 404, "id")
    with pytest.raises(stripe.StripeError) as caught:
        client.v1.subscriptions.create({"customer": "cus_nobody"})
    refused("resource_missing", 400, "customer")
    with pytest.raises(stripe.StripeError) as caught:
        client.v1.subscriptions.create({})
    refused("parameter_missing", 400, "customer")
    with pytest.raises(stripe.StripeError) as caught:
        client.v1.customers.create({"nickname": "x"})  # type: ignore[arg-type]
    refused("parameter_unknown", 400, "nickname")
    with pytest.raises(stripe.StripeError) as caught:
        client.v1.customers.list({"limit": 1000})
    refused("parameter_invalid_integer", 400, "limit")


def test_nested_unknown_parameters(client: stripe.StripeClient, prices: dict[str, str]) -> None:
    customer = client.v1.customers.create({})
    wanted: Any = {"customer": customer.id, "items": [{"price": prices["teacher_monthly"], "amount": 3}]}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.subscriptions.create(wanted)
    assert (caught.value.code, caught.value.param) == ("parameter_unknown", "items[0][amount]")


def test_pages_of_a_list(client: stripe.StripeClient) -> None:
    made = [client.v1.customers.create({"email": "many@example.org"}).id for _ in range(7)]
    first = client.v1.customers.list({"email": "many@example.org", "limit": 3})
    assert (first.has_more, [one.id for one in first.data]) == (True, made[:3:-1])
    second = client.v1.customers.list(
        {"email": "many@example.org", "limit": 3, "starting_after": first.data[-1].id}
    )
    assert [one.id for one in second.data] == made[3:0:-1]
    everyone = client.v1.customers.list({"email": "many@example.org", "limit": 2})
    assert [one.id for one in everyone.auto_paging_iter()] == made[::-1]
    assert not client.v1.customers.list({"created": {"gt": int(time.time()) + 400 * 86400}}).data


def test_metadata_is_merged_and_taken_away(client: stripe.StripeClient) -> None:
    one = client.v1.customers.create({"metadata": {"a": "1", "b": "2", "7": "seven"}})
    changed = client.v1.customers.update(one.id, {"metadata": {"b": "", "c": "3"}})
    assert changed.metadata
    assert changed.metadata.to_dict() == {"a": "1", "7": "seven", "c": "3"}
    emptied = client.v1.customers.update(one.id, {"metadata": ""})
    assert emptied.metadata is not None
    assert emptied.metadata.to_dict() == {}


def test_a_deleted_customer_ends_what_runs(
    client: stripe.StripeClient, stand_in: StandIn, taker: Taker, prices: dict[str, str]
) -> None:
    customer = client.v1.customers.create({"invoice_settings": {"default_payment_method": "pm_card_visa"}})
    running = client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": prices["teacher_monthly"]}]}
    )
    assert client.v1.customers.delete(customer.id).deleted is True
    assert client.v1.subscriptions.retrieve(running.id).status == "canceled"
    gone = client.v1.customers.retrieve(customer.id)
    assert gone.deleted is True
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.update(customer.id, {"name": "Back"})
    assert stand_in.control.delivered()
    assert taker.kinds()[-2:] == ["customer.subscription.deleted", "customer.deleted"]


def test_failures_on_demand(client: stripe.StripeClient, stand_in: StandIn) -> None:
    stand_in.control.fail("/v1/customers", status=429)
    with pytest.raises(stripe.RateLimitError):
        client.v1.customers.create({})
    stand_in.control.fail("/v1/customers", status=503, times=2)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.customers.create({})
    client.v1.customers.create({})


def test_an_answer_that_is_lost_is_not_done_twice(client: stripe.StripeClient, stand_in: StandIn) -> None:
    """Carried out, and the line went dead: asked again with its key, there is one of them."""
    stand_in.control.fail("/v1/customers", hang=0.1, after=True)
    patient = stand_in.client(max_network_retries=2)
    made = patient.v1.customers.create({"email": "once@example.org"})
    assert [one.id for one in client.v1.customers.list({"email": "once@example.org"}).data] == [made.id]
    assert replayed(made)


def test_lookup_keys_move_from_price_to_price(client: stripe.StripeClient) -> None:
    product = client.v1.products.create({"name": "Thing"})
    first = client.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 5,
            "lookup_key": "thing",
            "recurring": {"interval": "year"},
        }
    )
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.prices.create(
            {"product": product.id, "currency": "usd", "unit_amount": 6, "lookup_key": "thing"}
        )
    second = client.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 6,
            "lookup_key": "thing",
            "transfer_lookup_key": True,
            "recurring": {"interval": "year"},
        }
    )
    found = client.v1.prices.list({"lookup_keys": ["thing"], "expand": ["data.product"]}).data
    assert [one.id for one in found] == [second.id]
    assert isinstance(found[0].product, stripe.Product)
    assert client.v1.prices.retrieve(first.id).lookup_key is None


def test_it_listens_on_the_loopback_and_keeps_no_secret(stand_in: StandIn) -> None:
    assert stand_in.address.startswith("http://127.0.0.1:")
    assert stand_in.secret not in str(stand_in.control.objects())
