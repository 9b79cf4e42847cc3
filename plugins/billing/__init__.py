"""Schools pay through Stripe, by those who lead them; what was paid gates no right."""

import plugins.billing.rules  # noqa: F401 - the policy must know what people may see of it
from backoffice.language.texts import lazy
from backoffice.plugin import Plugin
from plugins.billing import webhooks
from plugins.billing.checks import CHECKS
from plugins.billing.dunning import services as dunning
from plugins.billing.dunning.mails import MAILS
from plugins.billing.dunning.messages import KINDS as MESSAGES
from plugins.billing.events import InvoicePaid, PaymentFailed
from plugins.billing.exemption.jobs import JOBS as EXEMPTION_JOBS
from plugins.billing.exemption.mails import MAILS as EXEMPTION_MAILS
from plugins.billing.exemption.mails import MESSAGES as EXEMPTION_MESSAGES
from plugins.billing.holdings import HELD
from plugins.billing.jobs import JOBS
from plugins.billing.kinds import KINDS
from plugins.billing.leaving import STRIPE
from plugins.billing.models import BillingBase
from plugins.billing.orders.jobs import JOBS as ORDERS_JOBS
from plugins.billing.orders.mails import MAILS as ORDER_MAILS
from plugins.billing.orders.mails import MESSAGES as ORDER_MESSAGES
from plugins.billing.permissions import PERMISSIONS
from plugins.billing.settings import BillingSettings
from plugins.billing.standing import entitled
from plugins.billing.start import start
from plugins.billing.tiles import TILES
from plugins.billing.views import BillingPage, link
from plugins.billing.watch_views import OrderGrid, PaymentsPage, StripeMessageGrid, SubscriptionGrid

plugin = Plugin(
    name="billing",
    title=lazy("Billing"),
    summary=lazy("Lets schools subscribe and pay, through Stripe alone."),
    tables=BillingBase.metadata,
    personal_data=HELD,
    retention=KINDS,
    permissions=PERMISSIONS,
    pages=(BillingPage, PaymentsPage, SubscriptionGrid, OrderGrid, StripeMessageGrid),
    machines={webhooks.bp: webhooks.LARGEST},
    jobs=(*JOBS, *ORDERS_JOBS, *EXEMPTION_JOBS),
    mails=(*MAILS, *EXEMPTION_MAILS, *ORDER_MAILS),
    messages=(*MESSAGES, *EXEMPTION_MESSAGES, *ORDER_MESSAGES),
    handlers={PaymentFailed: dunning.payment_failed, InvoicePaid: dunning.invoice_paid},
    erases_outside=(STRIPE,),
    settings=BillingSettings,
    controls=CHECKS,
    entitlements=entitled,
    billing_link=link,
    starts=start,
    tiles=TILES,
)
