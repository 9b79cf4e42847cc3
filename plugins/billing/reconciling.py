"""Comparing what is here with what Stripe has, each night: for what no message has told."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy import select, update
from stripe import StripeClient

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from plugins.billing import plans, sync
from plugins.billing.asking import Unreachable, asked, plain
from plugins.billing.models import (
    OVER,
    Customer,
    Drift,
    DriftKind,
    Invoice,
    InvoiceStatus,
    Subscription,
)
from plugins.billing.reading import Object, id_of, subscription_values

logger = structlog.get_logger("backoffice.billing")

# What is compared: the rest follows from these, or is computed.
_COMPARED = ("plan", "status", "seats", "by_invoice", "period_until", "ends_at", "ended_at")


@dataclass
class Compared:
    """How many subscriptions were compared, how many differed, and how many of these were taken over."""

    looked_at: int = 0
    differed: int = 0
    mended: int = 0


@dataclass(frozen=True)
class _Here:
    """What is here of a customer."""

    number: int
    owes: bool = False
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)


def reconcile(
    who: Purpose, stripe: StripeClient, *, progress: Callable[[int], None] = lambda _done: None
) -> Compared:
    """Compare every subscription, write down what differs, and take over what Stripe has.

    What Stripe has of nobody who is here is written down and left as it is. Raises `Unreachable`, `Refused`.
    """
    there, here = _there(stripe), _here(who)
    found, differ = Compared(), set[str]()
    for named in sorted(there.keys() | here.keys()):
        subscriptions = {str(each["id"]): each for each in there.get(named, ())}
        mine = here.get(named)
        if mine is None:
            # Of whoever was erased here, what was cancelled with that stays at Stripe.
            subscriptions = {name: said for name, said in subscriptions.items() if said["status"] not in OVER}
        found.looked_at += len(subscriptions)
        drifts = list(_differences(subscriptions, mine.subscriptions if mine else {}))
        differ |= {thing for thing, _kind in drifts}
        if drifts or (mine is not None and mine.owes):
            # Of an invoice that is open here no subscription need tell that it is paid by now.
            found.differed += len(drifts)
            found.mended += _mended(who, stripe, named, mine, drifts)
        progress(found.looked_at)
    _settle(who, differ)
    return found


def _mended(
    who: Purpose,
    stripe: StripeClient,
    named: str,
    mine: _Here | None,
    drifts: Sequence[tuple[str, DriftKind]],
) -> int:
    """The same as `_mend`, and nothing taken over from a Stripe that does not know the customer."""
    try:
        return _mend(who, stripe, named, mine, drifts)
    except Unreachable:
        raise
    except Exception as error:  # noqa: BLE001 - one customer must not end the comparison of all others
        logger.warning("not taken over", why=type(error).__name__)
        return _mend(who, stripe, named, None, drifts)


def _settle(who: Purpose, differ: Collection[str]) -> None:
    """Note of what differed in an earlier night, and does no longer, that it is as Stripe has it."""
    with transaction(who) as tx:
        tx.execute(
            update(Drift)
            .where(Drift.mended_at.is_(None), Drift.stripe_id.not_in(differ))
            .values(mended_at=clock.now())
            .execution_options(synchronize_session=False)
        )


def _there(stripe: StripeClient) -> Mapping[str, Sequence[Object]]:
    found: dict[str, list[Object]] = defaultdict(list)
    with asked():
        for each in stripe.v1.subscriptions.list({"status": "all", "limit": 100}).auto_paging_iter():
            said = plain(each)
            found[id_of(said.get("customer")) or ""].append(said)
    return found


def _here(who: Purpose) -> Mapping[str, _Here]:
    with transaction(who) as tx:
        customers = tx.scalars(select(Customer).where(Customer.stripe_id.is_not(None))).all()
        subscriptions: dict[int, dict[str, Subscription]] = defaultdict(dict)
        for each in tx.scalars(select(Subscription)):
            subscriptions[each.customer_id][each.stripe_id] = each
        open_ones = select(Invoice.customer_id).where(Invoice.status == InvoiceStatus.OPEN)
        owing = set(tx.scalars(open_ones))
        return {
            str(each.stripe_id): _Here(each.id, each.id in owing, subscriptions[each.id])
            for each in customers
        }


def _differences(
    there: Mapping[str, Object], here: Mapping[str, Subscription]
) -> Sequence[tuple[str, DriftKind]]:
    drifts = [(named, DriftKind.MISSING_HERE) for named in there if named not in here]
    for named, row in here.items():
        if named not in there:
            if row.status not in OVER:
                drifts.append((named, DriftKind.MISSING_THERE))
            continue
        values = subscription_values(there[named], plans.current())
        if any(getattr(row, name) != values[name] for name in _COMPARED):
            drifts.append((named, DriftKind.DIFFERS))
    return drifts


def _mend(
    who: Purpose,
    stripe: StripeClient,
    named: str,
    mine: _Here | None,
    drifts: Sequence[tuple[str, DriftKind]],
) -> int:
    """Write down what differs, and take over what Stripe has of the customer; how many differ no more."""
    mended = 0
    with transaction(who) as tx:
        customer = tx.get(Customer, mine.number, with_for_update=True) if mine else None
        if customer is not None:
            sync.take_over(tx, customer, sync.ask(stripe, named))
            tx.flush()
        now = clock.now()
        for thing, kind in drifts:
            row = mine.subscriptions.get(thing) if mine else None
            # One that was over here and is not there is never revived: a person looks at it.
            is_mended = customer is not None and not (
                kind is DriftKind.DIFFERS and row is not None and row.status in OVER
            )
            mended += is_mended
            earlier = (Drift.stripe_id == thing, Drift.kind == kind, Drift.mended_at.is_(None))
            open_one = tx.scalars(select(Drift).where(*earlier).limit(1)).first()
            if open_one is not None:
                # It was found in an earlier night, and waits for a person, or did until now.
                open_one.mended_at = now if is_mended else None
                continue
            tx.add(
                Drift(
                    customer=named,
                    stripe_id=thing,
                    kind=kind,
                    found_at=now,
                    mended_at=now if is_mended else None,
                )
            )
    return mended
