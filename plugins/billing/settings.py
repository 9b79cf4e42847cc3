"""Whom schools pay, as quotes print it. Founders write it; Stripe prints its own on invoices."""

from pydantic import Field

from backoffice.access.transaction import Transaction
from backoffice.host.queries import settings_of
from backoffice.language.texts import lazy
from backoffice.plugin import PluginSettings


class BillingSettings(PluginSettings):
    """What can be set, with its defaults: nothing, and then a quote does not print it."""

    payee: str = Field(
        "",
        max_length=120,
        title=lazy("Company that is paid"),
        description=lazy("As it stands on form W-9."),
    )
    payee_address: str = Field(
        "",
        max_length=300,
        title=lazy("Address of the company"),
        description=lazy("Where cheques go. It stands on quotes."),
    )
    payee_tax_number: str = Field(
        "",
        max_length=40,
        title=lazy("Tax number of the company"),
        description=lazy("In the United States the EIN. Offices of schools ask for it before they order."),
    )


def in_force(tx: Transaction) -> BillingSettings:
    """What holds for this installation."""
    return settings_of(tx, "billing", BillingSettings)
