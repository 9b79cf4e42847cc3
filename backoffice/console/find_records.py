"""Parts of the system and saved views that are called so, for whoever looks for them by typing.

Of each kind at most one more than are shown.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

from backoffice.access.permissions import JOBS_READ, PLUGINS_READ
from backoffice.access.policy import can
from backoffice.access.transaction import Transaction
from backoffice.console.find_actions import Found
from backoffice.console.grids.views import VIEW, grids
from backoffice.jobs import registry
from backoffice.saved_views import queries
from backoffice.saved_views.queries import MOST_LISTED
from backoffice.schools import finding, names
from backoffice.schools.finding import MOST_FOUND, Looked
from backoffice.web.identity import runtime


def jobs(tx: Transaction, words: Sequence[str]) -> list[Found]:
    """Jobs by their titles, in the order of the alphabet."""
    if not can(tx.principal, JOBS_READ):
        return []
    return _called(words, [(each.title, "", f"/console/jobs/{each.name}") for each in registry.by_title()])


def plugins(tx: Transaction, words: Sequence[str]) -> list[Found]:
    """Plugins by their titles."""
    if not can(tx.principal, PLUGINS_READ):
        return []
    return _called(words, [(each.title, "", f"/console/plugins/{each.name}") for each in runtime().plugins])


def views(tx: Transaction, words: Sequence[str]) -> Looked[Found]:
    """Views by their names, of those that stand above one's lists."""
    if not finding.are_enough(words):
        return Looked()
    lists, known = grids(), queries.views_of(tx, most=MOST_LISTED + 1)
    found = _called(
        words,
        [
            (each.name, lists[each.grid].title, f"{lists[each.grid].url}/?{VIEW}={each.public_id}")
            for each in known[:MOST_LISTED]
            if each.grid in lists
        ],
    )
    return Looked(found, len(known) > MOST_LISTED)


def _called(words: Sequence[str], known: Iterable[tuple[str, str, str]]) -> list[Found]:
    if not finding.are_enough(words):
        return []
    begin = " ".join(words)
    return [
        {"title": title, "hint": hint, "url": url}
        for title, hint, url in islice(
            (each for each in known if names.begins(str(each[0]), begin)), MOST_FOUND + 1
        )
    ]
