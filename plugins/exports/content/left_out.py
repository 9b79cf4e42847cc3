"""What no export takes along, and why: a sentence for each table and column.

Everything else is taken along. Whoever adds a table that belongs to somebody need not come here; whoever
wants it left out says why.
"""

from collections.abc import Mapping

from backoffice.language.texts import lazy
from backoffice.storage.columns import Class, Form

_LETS_IN = lazy("It lets whoever has it in.")
OF_SERVICE = lazy("It is about how the service runs, and about nobody.")
_OF_OTHERS = lazy("It belongs to whoever made it, and names others too.")
_PROOF = lazy("It proves what happened, and says nothing that is not said elsewhere.")
_TRAIL = lazy("The trail names whoever did something. Who may read it reads it in the console.")
_RECEIPT = lazy("It is the receipt of an erasure; whoever asked for that has it.")
_DIGEST = lazy("It is a digest, which only this installation can use.")
_SOURCE = lazy("It is about a file that was sent. What was taken from it is in this export.")
_INCIDENT = lazy("It is what we wrote down of something that went wrong. Whom it concerns is told.")

# Tables of which nothing is taken along.
TABLES: Mapping[str, str] = {
    "app.audit_detail": _TRAIL,
    "app.audit_entry": _TRAIL,
    "app.canary": OF_SERVICE,
    "app.erasure": _RECEIPT,
    "app.erasure_mark": _PROOF,
    "app.erasure_outside": _RECEIPT,
    "app.identity_provider": OF_SERVICE,
    "app.installation": OF_SERVICE,
    "app.job_change": OF_SERVICE,
    "app.job_run": OF_SERVICE,
    "app.job_schedule": OF_SERVICE,
    "app.ledger_end": OF_SERVICE,
    "app.legal_hold": lazy("Whether something has to be kept for a court is nobody's to know by an export."),
    "app.locked_network": lazy("It keeps guessers out; who knew it could get around it."),
    "app.mail_content": lazy(
        "A mail that waits holds links that let in. It is in the mailbox once it is sent."
    ),
    "app.merged_mark": _PROOF,
    "app.plugin_change": OF_SERVICE,
    "app.plugin_history": OF_SERVICE,
    "app.plugin_state": OF_SERVICE,
    "app.policy_version": OF_SERVICE,
    "app.report": lazy("What was reported is for whoever looks into it, and may tell of others."),
    "app.retention_run": OF_SERVICE,
    "app.spent_challenge": OF_SERVICE,
    "app.mail_return": OF_SERVICE,
    "app.throttle": OF_SERVICE,
    **{
        f"plugin_notifications.{table}": _INCIDENT
        for table in (
            *("incident", "timeline_entry", "incident_task", "concerned_school", "given_notice"),
            *("notice", "notice_step", "notice_delivery", "letter_batch", "scope_source", "affected_person"),
            *("scope_reach", "drill", "drill_event"),
            *("district_hook", "hook_call", "contract_terms"),
        )
    },
    **{
        f"plugin_billing.{table}": lazy("It is on the school's page of its subscription, and at Stripe.")
        for table in ("quote", "purchase_order", "tax_certificate")
    },
    **{f"plugin_billing.{table}": OF_SERVICE for table in ("reminder", "stripe_event", "drift")},
    "plugin_rosters.roster_upload": _SOURCE,
    "plugin_trust.control_result": OF_SERVICE,
}
# Tables of libraries, all of a schema or of a beginning.
LIBRARIES: Mapping[str, str] = {"procrastinate": OF_SERVICE}
# Single columns of tables that are taken along.
COLUMNS: Mapping[str, str] = {
    "app.account.security_epoch": OF_SERVICE,
    "app.account_link.security_epoch": OF_SERVICE,
    "app.account_second_factor.last_step": OF_SERVICE,
    "app.account_session.security_epoch": OF_SERVICE,
    "app.classroom_code.code": _LETS_IN,
    "app.email_change.security_epoch": OF_SERVICE,
    "app.factor_reset.mail": OF_SERVICE,
    "app.guardian_invitation.code": _LETS_IN,
    "app.identity_offer.security_epoch": OF_SERVICE,
    "app.large_change.asked": _OF_OTHERS,
    "app.large_change.said": _OF_OTHERS,
    "app.student_session.address": lazy("Where a child was when it signed in is not passed on."),
    "app.student_session.token_id": _LETS_IN,
    "app.worry.told_past": lazy("Past whom a child told something is for whoever answers it."),
    "plugin_rosters.roster_import.names": _SOURCE,
    "plugin_rosters.roster_import.report": _SOURCE,
}
# Columns by what they hold: `storage.columns` gives each its class and its form.
CLASSES: Mapping[Class, str] = {Class.SECRET: _LETS_IN}
FORMS: Mapping[Form, str] = {
    Form.HASHED: _LETS_IN,
    Form.DIGEST: _DIGEST,
    Form.KEYED_DIGEST: _DIGEST,
    Form.PROOF: _PROOF,
    Form.FOR_US_ALONE: lazy("An authenticator gave it out for this service alone."),
}
NUMBER = lazy("A number inside the database. What it is known by outside stands in its place.")
# Rows that name somebody and are others' own; what a foreign key ties to the subject itself is taken along.
BESIDE: Mapping[str, str] = {
    "app.large_change": _OF_OTHERS,
    "app.mail": _OF_OTHERS,
    "app.saved_view": _OF_OTHERS,
}
_OF_CARE = lazy("It is for those who look after the accounts of a school.")
# Rows of tables of which others are taken along.
SOME_ROWS: Mapping[str, str] = {
    "app.factor_reset": _OF_CARE,
    "app.mail": lazy(
        "Of mails, a school has those that it sent. All others lie in the mailbox they went to."
    ),
    "app.student_view": lazy("Who looked at a child's pages is told to its family."),
    "app.suspension": _OF_CARE,
    "app.worry": lazy("What a child told past its own teacher stays with whoever it was told to."),
}
OF_ACCOUNTS = lazy("It belongs to the people who work there. They take it along from their own accounts.")
# Of these, each takes along what is theirs, and no school what its people were told.
OF_ITS_OWNER = frozenset({"app.mail_choice", "app.message"})
OF_STAFF = lazy("It is kept for the staff of the school.")
OF_OTHER_FAMILIES = lazy("What other parents are called and wrote is theirs.")
UNREADABLE = lazy("Whoever asked for the export cannot read it here either.")
# What parents get of their child: these tables, without these columns. What is new is the staff's until
# somebody puts it here.
FAMILY: Mapping[str, frozenset[str]] = {
    "app.enrollment": frozenset({"origin", "in_source"}),
    "app.guardian_link": frozenset(),
    "app.guardian_request": frozenset(),
    "app.point_entry": frozenset({"comment"}),
    "app.student": frozenset(),
    # What a school writes about a child is the child's parents' to know.
    "app.student_value": frozenset(),
    "app.student_card": frozenset(),
    "app.student_session": frozenset(),
    "app.student_view": frozenset(),
    # Only what is named by the above.
    "app.account": frozenset(),
    "app.action": frozenset(),
    "app.classroom": frozenset(),
    "app.custom_field": frozenset({"choices", "need", "confirmed_at", "confirmed_by", "erased_by"}),
    "app.school": frozenset(),
}
# Of these, a family gets its own rows.
OF_FAMILY = frozenset({"app.guardian_link", "app.guardian_request"})


def why_not(table: str) -> str | None:
    """Why nothing of a table is taken along, by its `schema.name`; None if something is."""
    if table in TABLES:
        return TABLES[table]
    name = table.rpartition(".")[2]
    return next((why for begin, why in LIBRARIES.items() if name.startswith(begin)), None)
