"""Pages about the own account that plugins have: the account's page leads there."""

from dataclasses import dataclass

from backoffice.access.transaction import Transaction


@dataclass(frozen=True)
class Offered:
    """A page of a plugin: what it is called, what it is for in a sentence, and where it is."""

    plugin: str
    title: str
    sentence: str
    address: str


_offered: dict[str, Offered] = {}


def offer(page: Offered) -> None:
    """Have the account's page lead to a page, as long as its plugin is switched on."""
    _offered[page.address] = page


def offered(tx: Transaction) -> list[Offered]:
    """The pages to which the account's page leads now."""
    return [page for page in _offered.values() if tx.enabled(page.plugin)]
