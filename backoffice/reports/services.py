"""Reporting something to us, telling founders of it, closing it, forgetting it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from uuid import UUID

from sqlalchemy import func, null, select, update
from sqlalchemy.dialects.postgresql import insert

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import REPORTS_CLOSE
from backoffice.access.principal import Credential, Principal, Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.addresses import checked
from backoffice.accounts.founders import founders
from backoffice.audit.trail import record
from backoffice.language.texts import gettext, lazy
from backoffice.messages.services import tell
from backoffice.privacy.retention.runs import forget
from backoffice.problems import Rejected, Throttled
from backoffice.reports import mails
from backoffice.reports.kinds import REPORTS
from backoffice.reports.messages import CAME
from backoffice.reports.models import Finding, Report, ReportKind
from backoffice.settings import Throttles
from backoffice.storage import about, keyring
from backoffice.storage.public_id import PublicId, new_public_id
from backoffice.throttles.tries import Claim, take
from backoffice.throttles.visitor import Visitor
from backoffice.wording import clean, is_uuid

LONGEST, LONGEST_NOTE = 5_000, 2_000
LARGEST_MAIL = 1 << 20
CHOOSE = lazy("Choose what fits best.")
SAY_IT = lazy("Say what you saw.")
FOUND = lazy("Choose what it was.")
NO_FILES = lazy("Files cannot be taken for the moment. Send the report without, and say what the mail was.")
NOTE_IT = lazy("Write what you found and did.")
CLOSED_ALREADY = lazy("This was closed by somebody else meanwhile.")


@dataclass(frozen=True)
class Reported:
    """What somebody reports. `form` is the one-time UUID of the page: the same sent twice reports once.

    `by_school`: somebody of a school's staff writes it, since a child told them something.
    """

    kind: str
    said: str = field(repr=False)
    contact: str = field(repr=False)
    mail: bytes = field(repr=False)
    form: str
    by_school: bool = False


def report(
    *, principal: Principal | Credential, reported: Reported, visitor: Visitor, throttles: Throttles
) -> PublicId | None:
    """Take what somebody reports, signed in or not; its number, None if the very same has come before.

    Raises `Rejected`, `Throttled`.
    """
    ready = checked_report(reported)
    take(*_claims(principal, visitor, throttles))
    if reported.mail:
        _take_file(throttles)
    public_id = new_public_id()
    with transaction(principal) as tx:
        number = add(tx, public_id, ready)
        if number is None:
            return None
        record(tx, "reports.report", report=number)
    return public_id


def checked_report(reported: Reported) -> Reported:
    """What somebody reports as it is kept. Raises `Rejected`."""
    said, contact = _lines(reported.said), reported.contact.strip()
    _check(reported, said)
    return replace(reported, said=said, contact=_checked_contact(contact) if contact else "")


def claims_of_account(who: Principal, throttles: Throttles) -> list[Claim]:
    """How often somebody who is signed in reports something."""
    return [Claim("reports by account", throttles.report_account, who.account_public_id or "")]


def add(tx: Transaction, public_id: PublicId, reported: Reported) -> int | None:
    """Keep what whoever is at work reports; its internal number, None if the very same came before."""
    number = tx.take_id(Report)
    told = insert(Report).values(
        id=number,
        public_id=public_id,
        kind=reported.kind,
        said=reported.said,
        contact=reported.contact or None,
        mail=reported.mail or None,
        account_id=tx.principal.account_id,
        by_school=reported.by_school,
        about=[about.address(reported.contact)] if reported.contact else [],
        form=_digest(reported),
        reported_at=clock.now(),
    )
    # Without naming the columns: whoever reports may not read what was reported, not even to compare.
    once = told.on_conflict_do_nothing().inline().execution_options(preserve_rowcount=True)
    return number if tx.execute(once).rowcount else None  # type: ignore[attr-defined]


def close_report(*, principal: Principal, report: str, finding: str, note: str) -> None:
    """Close a report, saying what it was. A file that came with what was none of ours goes at once.

    Raises `Rejected`, `NotFound`.
    """
    note = _lines(note)
    if finding not in set(Finding):
        raise Rejected(finding=FOUND)
    if not note:
        raise Rejected(note=NOTE_IT)
    if len(note) > LONGEST_NOTE:
        raise Rejected(note=gettext("Shorten it to %(most)s letters.", most=LONGEST_NOTE))
    with transaction(principal) as tx:
        row = find(tx, Report, report, permission=REPORTS_CLOSE)
        closed = tx.execute(
            update(Report)
            .where(Report.id == row.id, Report.closed_at.is_(None))
            .values(
                closed_at=clock.now(),
                closed_by=tx.principal.account_id,
                finding=finding,
                note=note,
                **({"mail": null()} if finding in {Finding.HARMLESS, Finding.SPAM} else {}),
            )
            .execution_options(synchronize_session=False)
        )
        if not closed.rowcount:  # type: ignore[attr-defined]
            raise Rejected.whole(CLOSED_ALREADY)
        record(tx, "reports.close", report=row.id, finding=finding)


def tell_founders(who: Purpose) -> dict[str, int]:
    """Mail founders that something was reported, however much it was: one mail for all of it."""
    with transaction(who) as tx:
        new = _untold(tx)
        if not new:
            return {}
        open_now = tx.scalar(select(func.count()).where(Report.closed_at.is_(None))) or 0
        for founder in founders(tx):
            tell(tx, CAME, to=founder, parameters=mails.ReportsCame(len(new), open_now), once=str(max(new)))
        tx.execute(update(Report).where(Report.id.in_(new)).values(told_at=clock.now()))
    return {"told": len(new)}


def forget_reports(who: Purpose) -> dict[str, int]:
    """Forget what was reported longer ago than it is kept; how much."""
    with transaction(who) as tx:
        return {"reports": forget(tx, REPORTS)}


def mail_of(*, principal: Principal, report: str) -> bytes | None:
    """The mail that came with a report, for whoever may close it. Raises `NotFound`."""
    with transaction(principal) as tx:
        row = find(tx, Report, report, permission=REPORTS_CLOSE)
        mail = tx.scalars(select(Report.mail).where(Report.id == row.id)).one()
        if mail is not None:
            record(tx, "reports.open-mail", report=row.id)
        return mail


def _claims(who: Principal | Credential, visitor: Visitor, throttles: Throttles) -> list[Claim]:
    """Whoever is signed in is counted alone: others cannot close the way to us to them."""
    if isinstance(who, Principal) and who.account_public_id:
        return claims_of_account(who, throttles)
    site = [Claim("reports by site", throttles.report_site, visitor.site)] if visitor.site else []
    return [
        Claim("reports by network", throttles.report_network, visitor.network),
        *site,
        Claim("reports overall", throttles.report_overall, ""),
    ]


def _take_file(throttles: Throttles) -> None:
    """Files fill the database long before words do: with many of them, words are still taken."""
    try:
        take(Claim("files of reports", throttles.report_files, ""))
    except Throttled:
        raise Rejected(file=NO_FILES) from None


def _untold(tx: Transaction) -> Sequence[int]:
    new = select(Report.id).where(Report.told_at.is_(None)).order_by(Report.id)
    return tx.scalars(new.with_for_update(skip_locked=True)).all()


def _check(reported: Reported, said: str) -> None:
    if reported.kind not in set(ReportKind) or not is_uuid(reported.form):
        raise Rejected(kind=CHOOSE)
    if not said:
        raise Rejected(said=SAY_IT)
    if len(said) > LONGEST:
        raise Rejected(said=gettext("Shorten it to %(most)s letters.", most=LONGEST))
    if len(reported.mail) > LARGEST_MAIL:
        raise Rejected(file=gettext("The file is larger than 1 MB. Report it without, and say what it was."))


def _checked_contact(contact: str) -> str:
    try:
        return checked(contact)
    except Rejected as rejected:
        raise Rejected(contact=rejected.in_words) from None


def _lines(text: str) -> str:
    """What somebody typed, line by line as it is kept; lines without anything go."""
    return "\n".join(filter(None, map(clean, text.splitlines())))


def _digest(reported: Reported) -> UUID:
    mail = sha256(reported.mail).hexdigest()
    named = f"{reported.form} {reported.kind} {mail} {reported.contact} {reported.said}"
    return UUID(bytes=keyring.current().blind_index(named, context="report.form"))
