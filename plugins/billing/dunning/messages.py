"""What stays in the inbox of whoever manages a subscription. The mails always come: each has a day."""

from collections.abc import Mapping

from backoffice.language.texts import lazy
from backoffice.messages.kind import Always, Category, MessageKind
from plugins.billing.dunning import mails
from plugins.billing.models import ReminderKind

_PAGE = "/console/billing/{}"
BY: Mapping[ReminderKind, MessageKind] = {
    ReminderKind.TRIAL_ENDS: MessageKind(
        mails.TRIAL_ENDS,
        Category.NOTICE,
        lazy("A trial ends soon. The page says what comes then."),
        Always.MONEY,
        _PAGE,
    ),
    ReminderKind.ENDS: MessageKind(
        mails.SUBSCRIPTION_ENDS,
        Category.NOTICE,
        lazy("What is paid for ends soon. The page says when."),
        Always.MONEY,
        _PAGE,
    ),
    ReminderKind.INVOICE_DUE: MessageKind(
        mails.INVOICE_DUE,
        Category.REQUEST,
        lazy("An invoice is to be paid within a week."),
        Always.MONEY,
        _PAGE,
    ),
    ReminderKind.INVOICE_LATE: MessageKind(
        mails.INVOICE_LATE,
        Category.WARNING,
        lazy("The day by which an invoice was to be paid has passed."),
        Always.MONEY,
        _PAGE,
    ),
    ReminderKind.PAYMENT_FAILED: MessageKind(
        mails.PAYMENT_FAILED,
        Category.WARNING,
        lazy("A payment failed. All stays as it is for some days."),
        Always.MONEY,
        _PAGE,
    ),
    ReminderKind.GRACE_ENDS: MessageKind(
        mails.GRACE_ENDS,
        Category.WARNING,
        lazy("A payment is still owed. In a few days the plan is Free until it is paid."),
        Always.MONEY,
        _PAGE,
    ),
    ReminderKind.NOW_FREE: MessageKind(
        mails.NOW_FREE,
        Category.WARNING,
        lazy("The plan is Free now. Nothing was deleted, and nobody is locked out."),
        Always.MONEY,
        _PAGE,
    ),
    ReminderKind.PAID: MessageKind(
        mails.INVOICE_PAID,
        Category.NOTICE,
        lazy("An invoice is paid. Thank you."),
        Always.MONEY,
        _PAGE,
    ),
}
KINDS = tuple(BY.values())
