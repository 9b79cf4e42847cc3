"""Converters for addresses. Each names the entity that its variable identifies.

A route whose variable has no such converter fails a contract test: the tests walk the routes by these
names and try every one with other people's identifiers.
"""

from flask import Flask
from werkzeug.routing import BaseConverter

from backoffice.storage import public_id


class _PublicIdConverter(BaseConverter):
    regex = public_id.PATTERN


class StudentConverter(_PublicIdConverter):
    """A student's public identifier."""


class ClassroomConverter(_PublicIdConverter):
    """A classroom's public identifier."""


class ActionConverter(_PublicIdConverter):
    """The public identifier of a class's Action."""


class SchoolConverter(_PublicIdConverter):
    """A school's public identifier."""


class DistrictConverter(_PublicIdConverter):
    """A district's public identifier."""


class AccountConverter(_PublicIdConverter):
    """An account's public identifier."""


class SessionConverter(_PublicIdConverter):
    """The public identifier of an account's session."""


class EventConverter(_PublicIdConverter):
    """The public identifier of a security event."""


class PasskeyConverter(_PublicIdConverter):
    """The public identifier of a passkey."""


class ReceiptConverter(_PublicIdConverter):
    """The number of an erasure's receipt. It opens nothing without the receipt's hash."""


class ErasureConverter(_PublicIdConverter):
    """The public identifier of an erasure, for whoever may see it."""


class LinkConverter(BaseConverter):
    """The token of a link that was mailed. Logs show the route and not the token."""

    regex = r"[A-Za-z0-9_-]{43}"


class GuardianRequestConverter(_PublicIdConverter):
    """The public identifier of something that a parent asks."""


class SavedViewConverter(_PublicIdConverter):
    """The public identifier of a saved view of a list."""


class StudentChangeConverter(_PublicIdConverter):
    """The public identifier of a change of a student."""


class ClassroomChangeConverter(_PublicIdConverter):
    """The public identifier of a change of a class."""


class ActionChangeConverter(_PublicIdConverter):
    """The public identifier of a change of an Action."""


class SchoolChangeConverter(_PublicIdConverter):
    """The public identifier of a change of a school."""


class PluginChangeConverter(_PublicIdConverter):
    """The public identifier of a change of how a plugin is set."""


class JobChangeConverter(_PublicIdConverter):
    """The public identifier of a change of when a job runs."""


class LargeChangeConverter(_PublicIdConverter):
    """The public identifier of a change of many rows that a worker makes."""


class WorryConverter(_PublicIdConverter):
    """The public identifier of something that a child told."""


class CustomFieldConverter(_PublicIdConverter):
    """The public identifier of a field of a school's own."""


class FieldReceiptConverter(_PublicIdConverter):
    """The number of the receipt of a field of a school's own, which the field had as its identifier."""


class CodeConverter(BaseConverter):
    """A classroom code as somebody typed or scanned it."""

    regex = r"[A-Za-z0-9 -]{1,40}"


class CardConverter(BaseConverter):
    """The secret of a personal card, as a picture says it. Logs show the route and not the secret."""

    regex = r"[A-Za-z0-9_-]{27}"


class PluginConverter(BaseConverter):
    """The name of a plugin. It belongs to no school and is no secret."""

    regex = r"[a-z][a-z0-9_]{0,39}"


class JobConverter(BaseConverter):
    """The full name of a job, `owner.name`. It belongs to no school and is no secret."""

    regex = r"[a-z][a-z0-9_]{0,39}\.[a-z][a-z0-9-]{0,39}"


class ProviderConverter(BaseConverter):
    """The name of an identity provider. It belongs to no school and is no secret."""

    regex = r"[a-z][a-z0-9_-]{0,39}"


class MailConverter(_PublicIdConverter):
    """A mail's public identifier, on the demo's pages."""


class ImportConverter(_PublicIdConverter):
    """The public identifier of something that was brought in from files."""


class ReportConverter(_PublicIdConverter):
    """The public identifier of what somebody reported."""


class ExportConverter(_PublicIdConverter):
    """The public identifier of what somebody takes along as a file."""


class IncidentConverter(_PublicIdConverter):
    """The public identifier of an incident."""


class IncidentTaskConverter(_PublicIdConverter):
    """The public identifier of a task of an incident."""


class DrillEventConverter(_PublicIdConverter):
    """The public identifier of something that comes in during a drill."""


class ConcernedSchoolConverter(_PublicIdConverter):
    """The public identifier of a school as an incident concerns it."""


class NoticeConverter(_PublicIdConverter):
    """The public identifier of a notice about an incident."""


class MessageConverter(_PublicIdConverter):
    """The public identifier of a message to somebody."""


class InvoiceConverter(_PublicIdConverter):
    """The public identifier of an invoice that a school pays."""


class QuoteConverter(_PublicIdConverter):
    """The public identifier of a quote that a school asked for."""


class PurchaseOrderConverter(_PublicIdConverter):
    """The public identifier of a school's purchase order."""


class TaxCertificateConverter(_PublicIdConverter):
    """The public identifier of a certificate by which a school pays no sales tax."""


CONVERTERS: dict[str, type[BaseConverter]] = {
    "student": StudentConverter,
    "classroom": ClassroomConverter,
    "action": ActionConverter,
    "school": SchoolConverter,
    "district": DistrictConverter,
    "account": AccountConverter,
    "session": SessionConverter,
    "event": EventConverter,
    "passkey": PasskeyConverter,
    "link": LinkConverter,
    "receipt": ReceiptConverter,
    "erasure": ErasureConverter,
    "guardian_request": GuardianRequestConverter,
    "saved_view": SavedViewConverter,
    "student_change": StudentChangeConverter,
    "classroom_change": ClassroomChangeConverter,
    "action_change": ActionChangeConverter,
    "school_change": SchoolChangeConverter,
    "plugin_change": PluginChangeConverter,
    "job_change": JobChangeConverter,
    "large_change": LargeChangeConverter,
    "worry": WorryConverter,
    "custom_field": CustomFieldConverter,
    "field_receipt": FieldReceiptConverter,
    "code": CodeConverter,
    "card": CardConverter,
    "plugin": PluginConverter,
    "job": JobConverter,
    "provider": ProviderConverter,
    "mail": MailConverter,
    "import": ImportConverter,
    "report": ReportConverter,
    "export": ExportConverter,
    "incident": IncidentConverter,
    "incident_task": IncidentTaskConverter,
    "drill_event": DrillEventConverter,
    "concerned_school": ConcernedSchoolConverter,
    "notice": NoticeConverter,
    "message": MessageConverter,
    "invoice": InvoiceConverter,
    "quote": QuoteConverter,
    "purchase_order": PurchaseOrderConverter,
    "tax_certificate": TaxCertificateConverter,
}


def init_app(app: Flask) -> None:
    """Make the converters known to the application's routes."""
    app.url_map.converters.update(CONVERTERS)
