"""Amounts as people read them."""

from babel.numbers import format_currency, get_currency_precision

from backoffice.language.spoken import locale


def money(smallest: int, currency: str) -> str:
    """An amount in the currency's smallest unit, as in 12,345 cents: "$123.45"; whole ones without cents."""
    code = currency.upper()
    places = get_currency_precision(code)
    amount = smallest / 10**places
    is_whole = smallest % 10**places == 0
    if not is_whole:
        return format_currency(amount, code, locale=locale())
    return format_currency(amount, code, format="¤#,##0", locale=locale(), currency_digits=False)
