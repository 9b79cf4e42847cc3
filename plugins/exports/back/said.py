"""How it is told what of an export comes in and what does not."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from backoffice.language.texts import lazy
from backoffice.privacy.holds.extent import installed
from backoffice.privacy.inventory import title_of
from plugins.exports.back.fields import Staying
from plugins.exports.back.taken import NOT_TAKEN_IN
from plugins.exports.content.kinds import name_of

UNKNOWN = lazy("It is not known here.")


def coming(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """What people call the kinds of which something comes in, and how many rows of each."""
    titles = _titles()
    return [(titles[kind], number) for kind, number in counts.items() if number]


def staying(without: Iterable[str], others: Iterable[Staying] = ()) -> list[tuple[str, list[str]]]:
    """Why something of an export does not come in, each time with what people call it."""
    titles, found = _titles(), defaultdict[str, list[str]](list)
    for kind in without:
        # A kind that there is none of here is called nothing.
        if kind in titles:
            found[str(NOT_TAKEN_IN.get(kind, UNKNOWN))].append(titles[kind])
    for each in others:
        found[each.why].append(each.title)
    return sorted(found.items())


def _titles() -> dict[str, str]:
    return {name_of(table): str(title_of(table)) for table in installed().tables}
