"""The forms of paying without a card."""

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import DateField, IntegerField, RadioField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older
from wtforms.validators import InputRequired, Length

from backoffice.language.texts import lazy
from plugins.billing import papers
from plugins.billing.orders.services import (
    CHOOSE,
    LONGEST_NUMBER,
    NO_SUCH_DAY,
    OTHER_AMOUNT,
    WRITE_ADDRESS,
    WRITE_NUMBER,
    WRITE_REFERENCE,
    Way,
)

WAYS = {Way.CHEQUE: lazy("A cheque"), Way.TRANSFER: lazy("A transfer")}


class QuoteForm(FlaskForm):
    """At which price, and for how many teachers."""

    price = RadioField(
        lazy("Plan"), [InputRequired(lazy("Choose a plan."))], choices=[], validate_choice=False
    )
    seats = IntegerField(
        lazy("How many teachers"),
        [InputRequired(lazy("Write how many teachers are to have an account."))],
        description=lazy(
            "Everybody at the school with an account of their own counts, invitations included."
        ),
    )


class OrderForm(FlaskForm):
    """A purchase order: its number, where the invoice goes, and its paper."""

    number = StringField(
        lazy("Number of the purchase order"),
        [InputRequired(WRITE_NUMBER), Length(max=LONGEST_NUMBER, message=WRITE_NUMBER)],
        description=lazy("As your office gave it. It stands on the invoice."),
    )
    invoice_to = StringField(
        lazy("E-mail address for the invoice"),
        [InputRequired(WRITE_ADDRESS), Length(max=254, message=WRITE_ADDRESS)],
        description=lazy("Best the address of the office that pays. Stripe mails the invoice there."),
    )
    file = FileField(
        lazy("Purchase order as a file"),
        [FileRequired(papers.NONE)],
        description=lazy("PDF, PNG or JPEG, 2 MB at most."),
    )


class PaidForm(FlaskForm):
    """That an invoice was paid by a cheque or transfer."""

    way = RadioField(
        lazy("How it was paid"),
        [InputRequired(CHOOSE)],
        choices=[SelectChoice(each.value, words) for each, words in WAYS.items()],
    )
    reference = StringField(
        lazy("Number of the cheque or transfer"),
        [InputRequired(WRITE_REFERENCE), Length(max=LONGEST_NUMBER, message=WRITE_REFERENCE)],
    )
    on = DateField(lazy("Day of the cheque or transfer"), [InputRequired(NO_SUCH_DAY)])
    amount = StringField(
        lazy("Amount"),
        [InputRequired(OTHER_AMOUNT), Length(max=20, message=OTHER_AMOUNT)],
        description=lazy("All that the invoice asks for, as in 1234.50."),
    )
