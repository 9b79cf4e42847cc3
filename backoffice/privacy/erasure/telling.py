"""What a receipt says, in the words of its reader: on its page and on paper."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backoffice.access.principal import Nobody
from backoffice.access.transaction import transaction
from backoffice.language import moments
from backoffice.language.texts import gettext
from backoffice.privacy.erasure import receipts
from backoffice.privacy.erasure.models import AskedAs
from backoffice.privacy.erasure.names import ASKED_AS, KINDS, titled
from backoffice.privacy.erasure.paper import Said
from backoffice.privacy.holdings import Subject
from backoffice.privacy.outside import Outside
from backoffice.storage import functions

VACUUM = "vacuum"


@dataclass(frozen=True)
class Followed:
    """One thing that follows an erasure: `done_at` is None while it waits. `proof` is what it is found by."""

    part: str
    noted_at: datetime
    done_at: datetime | None
    proof: str | None


@dataclass(frozen=True)
class Held:
    """A receipt of ours that somebody holds, and what has followed it."""

    receipt: str
    signature: bytes
    followed: Sequence[Followed]

    @property
    def told(self) -> Mapping[str, Any]:
        """The document."""
        return receipts.read(self.receipt)


def held(number: str, digest: bytes) -> Held | None:
    """The receipt of this number and hash; None if there is none, or it is not as we issued it."""
    with transaction(Nobody()) as tx:
        row = functions.receipt(tx, number=number, digest=digest)
        # One that somebody wrote into the table is none.
        if row is None or not receipts.is_ours(row.receipt, bytes(row.signature)):
            return None
        followed = functions.receipt_followed(tx, number=number, digest=digest)
    lines = [Followed(each.part, each.noted_at, each.done_at, each.proof) for each in followed]
    return Held(row.receipt, bytes(row.signature), lines)


def followed(receipt: Held, outside: Mapping[str, Outside]) -> list[tuple[str, str]]:
    """What has followed: its name, and when it was done or that it waits."""
    lines = [(_named(each, outside), _stands(each)) for each in receipt.followed]
    known = {each.part for each in receipt.followed}
    # After a restore from before it, nobody here knows how it went on.
    lines += [
        (_title(name, outside), gettext("not known here any more"))
        for name in receipt.told.get("outside", ())
        if name not in known
    ]
    return lines


def on_paper(receipt: Held, outside: Mapping[str, Outside], *, base_url: str) -> Said:
    """All of it, for one page of paper."""
    told, digest = receipt.told, receipts.hash_of(receipt.receipt)
    return Said(
        number=told["number"],
        address=f"{base_url}/receipts/{told['number']}?hash={digest}",
        what=titled(Subject(told["subject"]), receipts.subjects_of(told)),
        facts=list(_facts(told)),
        # As it was signed, in the words that programs read.
        method=f"{gettext('Method')}: {told['method']}",
        rows=list(told["rows"].items()),
        followed=followed(receipt, outside),
        hash=digest,
        signature=receipt.signature.hex(),
        key=receipts.public_key().public_bytes_raw().hex(),
    )


def _facts(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for kind, count in receipts.gone_by_kind(told).items():
        yield str(KINDS[kind]), moments.amount(count)
    yield gettext("Asked for by"), str(ASKED_AS[AskedAs(told["asked_as"])])
    times = told["times"]
    for name, at in (
        (gettext("Asked for"), times["asked"]),
        (gettext("Confirmed"), times["confirmed"]),
    ):
        if at:
            yield name, _exact(at)
    # Receipts of what waited for none do not have these.
    if times.get("held") and times.get("freed"):
        begin, end = _exact(times["held"]), _exact(times["freed"])
        yield gettext("Waited for a legal hold"), gettext("%(begin)s to %(end)s", begin=begin, end=end)
    for name, at in (
        (gettext("In the ledger"), times["noted"]),
        (gettext("Erased"), times["erased"]),
        (gettext("Looked through again"), times["verified"]),
    ):
        if at:
            yield name, _exact(at)
    yield gettext("Marks in the ledger"), moments.amount(told["marks"])
    yield gettext("Left of it"), moments.amount(told["left"])
    expires = datetime.fromisoformat(told["last_backup_expires"]).date()
    yield gettext("Last backup with it expires"), moments.long_day(expires)
    yield gettext("Format of the document"), str(told["format"])


def _exact(at: str) -> str:
    return moments.exact_moment(datetime.fromisoformat(at))


def _named(each: Followed, outside: Mapping[str, Outside]) -> str:
    return gettext("Space freed in the database") if each.part == VACUUM else _title(each.part, outside)


def _title(name: str, outside: Mapping[str, Outside]) -> str:
    title = outside[name].title if name in outside else name
    return gettext("Outside: %(where)s", where=title)


def _stands(each: Followed) -> str:
    if each.done_at is None:
        return gettext("waits")
    done = gettext("done on %(at)s", at=moments.exact_moment(each.done_at))
    return f"{done} · {each.proof}" if each.proof else done
