"""What the plugin lets be allowed: schools pay for themselves, and founders see it and change nothing."""

from backoffice.access.permissions import Permission
from backoffice.language.texts import lazy

BILLING_READ = Permission("billing:read", lazy("See what a school has subscribed to and paid"))
BILLING_MANAGE = Permission("billing:manage", lazy("Subscribe, pay and end a subscription for a school"))
BILLING_WATCH = Permission("billing:watch", lazy("See all subscriptions, and have Stripe asked again"))
PERMISSIONS = (BILLING_READ, BILLING_MANAGE, BILLING_WATCH)
