"""A storm of Stripe's messages: each one to four times, in any order, some badly signed, workers killed.

What is here is then what Stripe has, and what came of each payment came of it once. `FAULT_EVENTS` says how
many messages at least (10000), `FAULT_SEED` repeats a run's choices.
"""

import json
import os
import random
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread, local
from typing import Any

import pytest
import stripe
from sqlalchemy import func, insert, select
from stripe import StripeClient, WebhookSignature

from backoffice import clock, launch
from backoffice.access.transaction import transaction
from backoffice.outbox.models import OutgoingMail
from backoffice.runtime import Runtime
from backoffice.schools.models import School
from backoffice.serve import web_command
from backoffice.storage.public_id import new_public_id
from plugins.billing.models import Customer, EventState, Reminder, ReminderKind, StripeEvent, Subscription
from tests.factories.ports import free_port
from tests.factories.world import SYSTEM, World, make_world
from tests.faults.test_notices import Crew
from tests.stripe_stand_in.running import StandIn, running

EVENTS = int(os.environ.get("FAULT_EVENTS", "10000"))
SEED = int(os.environ.get("FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
# What a subscription that is paid, changed and maybe ended has Stripe tell.
A_SCHOOL = 20
BADLY_SIGNED = 0.01
AT_ONCE = 8
SETTLING = 600.0
WORKERS = ("worker-1", "worker-2")
INVOICED = "billing.invoice-paid"


@dataclass
class Storm:
    """Everything that the storm needs: schools that pay at a stand-in, and a web server that is told."""

    stand_in: StandIn
    client: StripeClient
    port: int
    crew: Crew
    customers: Sequence[str]
    prices: Mapping[str, str]
    chance: random.Random

    def live_once(self, customer: str) -> None:
        """A subscription that is changed, paid and maybe ended."""
        subscriptions, invoices = self.client.v1.subscriptions, self.client.v1.invoices
        made = subscriptions.create(
            {
                "customer": customer,
                "items": [
                    {"price": self.prices["school_seat_yearly"], "quantity": self.chance.randint(5, 50)}
                ],
                "collection_method": "send_invoice",
                "days_until_due": 30,
            }
        )
        for _ in range(self.chance.randint(1, 3)):
            item = subscriptions.retrieve(made.id)["items"].data[0].id
            seats = self.chance.randint(5, 90)
            subscriptions.update(
                made.id, {"items": [{"id": item, "quantity": seats}], "proration_behavior": "none"}
            )
        for each in invoices.list({"customer": customer}).data:
            assert each.id
            if each.status == "draft":
                invoices.finalize_invoice(each.id)
            if each.status in {"draft", "open"} and self.chance.random() < 0.7:
                invoices.pay(each.id, {"paid_out_of_band": True})
        if self.chance.random() < 0.3:
            subscriptions.cancel(made.id)

    def live(self, customers: Sequence[str]) -> None:
        """A subscription of each."""
        for each in customers:
            self.live_once(each)

    def told(self) -> list[dict[str, Any]]:
        """Whatever has happened at the stand-in."""
        return self.stand_in.control.events()


@pytest.fixture
def storm(durable: Runtime, tmp_path: Path) -> Iterator[Storm]:
    """Schools that pay, a web server, and workers that are not running yet."""
    world = make_world()
    with running() as stand_in:
        connected = {
            "STRIPE_API_KEY": stand_in.key,
            "STRIPE_WEBHOOK_SECRET": stand_in.secret,
            "STRIPE_API_BASE": stand_in.address,
        }
        client = stand_in.client(http_client=stripe.RequestsClient(timeout=60), max_network_retries=2)
        customers = _customers(world, client, max(EVENTS // A_SCHOOL, 2))
        port = free_port()
        named = {f"BACKOFFICE_{name}": value for name, value in connected.items()}
        told = {**launch._background_environment(durable), **named}
        crew = Crew(dict(told), tmp_path / "workers")
        web = {**launch._web_environment(durable), **named}
        with (tmp_path / "web").open("ab") as log:
            serving = subprocess.Popen(web_command(port, host="127.0.0.1"), env=web, stdout=log, stderr=log)
        try:
            _wait_for_web(port)
            yield Storm(stand_in, client, port, crew, customers, stand_in.control.seed(), random.Random(SEED))
        finally:
            serving.terminate()
            serving.wait(60)
            for name in list(crew.running):
                crew.kill(name)


def _customers(world: World, client: StripeClient, number: int) -> list[str]:
    """So many schools of the world's district, each a customer."""
    with transaction(SYSTEM) as tx:
        numbers = tx.take_ids(School, number)
        place = {"country": "US", "state": "CA", "time_zone": "America/Los_Angeles", "language": "en"}
        same = {"kind": "school", "school_days": [], "factor_required": False, "created_at": clock.now()}
        tx.execute(
            insert(School),
            [
                {
                    **place,
                    **same,
                    "id": each,
                    "public_id": new_public_id(),
                    "name": f"School {each}",
                    "district_id": world.district_id,
                }
                for each in numbers
            ],
        )
    named = [client.v1.customers.create({"metadata": {"school": str(each)}}).id for each in numbers]
    with transaction(SYSTEM) as tx:
        rows = [
            {"id": at, "public_id": new_public_id(), "school_id": school, "stripe_id": name}
            for at, school, name in zip(tx.take_ids(Customer, number), numbers, named, strict=True)
        ]
        tx.execute(insert(Customer), [{**row, "made_at": clock.now()} for row in rows])
    return named


def _wait_for_web(port: int) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError


class Sender:
    """Sends messages to the web server, each thread by a connection of its own."""

    def __init__(self, storm: Storm) -> None:
        self._storm, self._mine = storm, local()
        self._lines: list[HTTPConnection] = []

    def close(self) -> None:
        """Close the connections of all threads."""
        for each in self._lines:
            each.close()

    def send(self, event: Mapping[str, Any], *, secret: str) -> int:
        """Its status; a server that closes the connection is asked again, as Stripe does."""
        body = json.dumps(event)
        header = WebhookSignature.generate_signature_header(body, secret, int(clock.now().timestamp()))
        headers = {"Stripe-Signature": str(header), "Content-Type": "application/json"}
        for _ in range(5):
            try:
                return self._once(body, headers)
            except OSError:
                self._mine.line = None
        raise ConnectionError

    def _once(self, body: str, headers: Mapping[str, str]) -> int:
        line = getattr(self._mine, "line", None)
        if line is None:
            line = self._mine.line = HTTPConnection("127.0.0.1", self._storm.port, timeout=30)
            self._lines.append(line)
        line.request("POST", "/webhooks/stripe", body, dict(headers))
        answer = line.getresponse()
        answer.read()
        return int(answer.status)


def test_what_is_here_is_what_stripe_has(storm: Storm) -> None:
    print(f"\nseed {SEED}, {len(storm.customers)} schools", flush=True)
    chance = storm.chance
    # Most has happened before the storm, and some happens while it lasts.
    later = storm.customers[: max(len(storm.customers) // 5, 1)]
    for each in storm.customers:
        storm.live_once(each)
    while len(before := storm.told()) < EVENTS:
        # Counting them all takes as long as some lives.
        for _ in range((EVENTS - len(before)) // A_SCHOOL + 1):
            storm.live_once(chance.choice(storm.customers))
    for name in (*WORKERS, "scheduler"):
        storm.crew.start(name)
    over, kills = Event(), Counter[str]()
    killing = Thread(target=_kill, args=(storm, over, kills))
    killing.start()
    happening = Thread(target=storm.live, args=(later,))
    happening.start()
    began = time.perf_counter()
    statuses = _send(storm, before, chance)
    happening.join()
    known = {each["id"] for each in before}
    rest = [each for each in storm.told() if each["id"] not in known]
    statuses += _send(storm, rest, chance)
    told_in = time.perf_counter() - began
    # A worker needs some seconds to begin: killed for ever, they would never be through.
    over.set()
    killing.join()
    took = _settle(began)
    _report(storm, statuses, kills, told_in, took)
    assert set(statuses) == {200, 400}
    assert _differences(storm) == []
    paid, reminders, mails = _effects(storm)
    assert paid == reminders == mails


def _send(storm: Storm, events: Sequence[Mapping[str, Any]], chance: random.Random) -> Counter[int]:
    """Each one to four times in any order, and some more that somebody else has signed."""
    many = [(each, storm.stand_in.secret) for each in events for _ in range(chance.randint(1, 4))]
    wrong = chance.sample(list(events), max(int(len(events) * BADLY_SIGNED), 1))
    many += [(each, "whsec_of_somebody_else") for each in wrong]
    chance.shuffle(many)
    with closing(Sender(storm)) as sender, ThreadPoolExecutor(AT_ONCE) as threads:
        return Counter(threads.map(lambda one: sender.send(one[0], secret=one[1]), many))


def _kill(storm: Storm, over: Event, kills: Counter[str]) -> None:
    chance = random.Random(SEED + 1)
    while not over.wait(chance.uniform(3, 12)):
        name = chance.choice(WORKERS)
        storm.crew.kill(name)
        kills[name] += 1
        storm.crew.start(name)


def _settle(began: float) -> float:
    """How long it took until nothing waited any more."""
    end = time.monotonic() + SETTLING
    while time.monotonic() < end:
        with transaction(SYSTEM) as tx:
            waits = tx.scalar(
                select(func.count()).select_from(StripeEvent).where(StripeEvent.state == EventState.WAITING)
            )
        if not waits:
            return time.perf_counter() - began
        time.sleep(0.5)
    raise TimeoutError("Messages still wait.")


def _differences(storm: Storm) -> list[str]:
    """Subscriptions that are not as the stand-in has them."""
    mine = set(storm.customers)
    there = {
        each["id"]: (each["status"], each["items"]["data"][0]["quantity"])
        for each in storm.stand_in.control.objects()["subscription"]
        if each["customer"] in mine
    }
    with transaction(SYSTEM) as tx:
        rows = tx.execute(
            select(Subscription.stripe_id, Subscription.status, Subscription.seats)
            .join(Customer, Customer.id == Subscription.customer_id)
            .where(Customer.stripe_id.in_(mine))
        )
        here = {row[0]: (row[1], row[2]) for row in rows}
    return sorted(name for name in there.keys() | here.keys() if there.get(name) != here.get(name))


def _effects(storm: Storm) -> tuple[int, int, int]:
    """How many invoices were paid there, how many of these somebody was told of, and the mails."""
    mine = set(storm.customers)
    paid = sum(
        each["status"] == "paid" and each["amount_paid"] > 0 and each["customer"] in mine
        for each in storm.stand_in.control.objects()["invoice"]
    )
    with transaction(SYSTEM) as tx:
        ours = select(Customer.id).where(Customer.stripe_id.in_(mine))
        told = select(func.count()).select_from(Reminder)
        reminders = told.where(Reminder.kind == ReminderKind.PAID, Reminder.customer_id.in_(ours))
        mails = select(func.count()).select_from(OutgoingMail).where(OutgoingMail.name == INVOICED)
        return paid, tx.scalar(reminders) or 0, tx.scalar(mails) or 0


def _report(storm: Storm, statuses: Counter[int], kills: Counter[str], told_in: float, took: float) -> None:
    with transaction(SYSTEM) as tx:
        states = dict(tx.execute(select(StripeEvent.state, func.count()).group_by(StripeEvent.state)).all())
    events = sum(states.values())
    print(f"{events} messages, sent {sum(statuses.values())} times: {dict(statuses)}")
    print(f"noted {sum(statuses.values()) / told_in:.0f} a second")
    print(f"all taken in after {took:.0f} s ({events / took:.0f} a second)")
    print(f"became {states}; killed {dict(kills)}", flush=True)
