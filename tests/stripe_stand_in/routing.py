"""Which function answers which address, what it takes, and pages of lists."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.stripe_stand_in.account import Account, listing
from tests.stripe_stand_in.errors import Obj, Refused, missing
from tests.stripe_stand_in.params import LISTS, MOST, Fields

Handler = Callable[..., Obj]


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    takes: frozenset[str]
    handler: Handler


EXACT: dict[tuple[str, str], Route] = {}
PATTERNS: dict[tuple[str, int], list[tuple[list[str], Route]]] = {}


def route(method: str, path: str, *takes: str) -> Callable[[Handler], Handler]:
    """Register a handler `(account, fields, *identifiers)`; each of `takes` may hold several names."""

    def put(handler: Handler) -> Handler:
        one = Route(method, path, frozenset(" ".join(takes).split()) | {"expand[]"}, handler)
        steps = path.strip("/").split("/")
        if "{}" in steps:
            PATTERNS.setdefault((method, len(steps)), []).append((steps, one))
        else:
            EXACT[method, path] = one
        return handler

    return put


def everything() -> list[Route]:
    return [*EXACT.values(), *(one for many in PATTERNS.values() for _, one in many)]


def find(method: str, path: str) -> tuple[Route, list[str]] | None:
    if one := EXACT.get((method, path)):
        return one, []
    steps = path.strip("/").split("/")
    for pattern, one in PATTERNS.get((method, len(steps)), ()):
        pairs = list(zip(pattern, steps, strict=True))
        if all(want in ("{}", got) for want, got in pairs):
            return one, [got for want, got in pairs if want == "{}"]
    return None


LIST = " ".join(LISTS)


def anything(one: Obj) -> bool:
    return True


def page(
    account: Account,
    kind: str,
    url: str,
    fields: Fields,
    filters: Mapping[str, Callable[[Obj, str], bool]] | None = None,
    keep: Callable[[Obj], bool] = anything,
) -> Obj:
    """A page of a list, the newest first."""
    limit = fields.whole("limit", 10) or 0
    if not 1 <= limit <= MOST:
        raise Refused(
            f"The limit must be between 1 and {MOST}.", code="parameter_invalid_integer", param="limit"
        )
    wanted = [
        (test, value) for name, test in (filters or {}).items() if (value := fields.text(name)) is not None
    ]
    start, before = fields.text("starting_after"), fields.text("ending_before")
    for name, cursor in (("starting_after", start), ("ending_before", before)):
        if cursor is not None and cursor not in account.tables[kind]:
            raise missing(kind.rpartition(".")[2], cursor, param=name)
    created = _created(fields)
    found: list[Obj] = []
    reached = start is None
    for one in reversed(account.tables[kind].values()):
        if before is not None and one["id"] == before:
            break
        if (
            reached
            and not one.get("deleted")
            and keep(one)
            and created(one)
            and all(test(one, value) for test, value in wanted)
        ):
            found.append(one)
            if before is None and len(found) > limit:
                break
        reached = reached or one["id"] == start
    if before is not None:
        return listing(found[-limit:], url, more=len(found) > limit)
    return listing(found[:limit], url, more=len(found) > limit)


def _created(fields: Fields) -> Callable[[Obj], bool]:
    if "created" not in fields:
        return anything
    if isinstance(fields.raw("created"), str):
        exact = fields.whole("created")
        return lambda one: one.get("created") == exact
    inner = fields.inner("created")
    gt, gte, lt, lte = (inner.whole(name) for name in ("gt", "gte", "lt", "lte"))

    def fits(one: Obj) -> bool:
        at = one["created"]
        return (
            (gt is None or at > gt)
            and (gte is None or at >= gte)
            and (lt is None or at < lt)
            and (lte is None or at <= lte)
        )

    return fits


def equal(name: str) -> Callable[[Obj, str], bool]:
    return lambda one, value: bool(one.get(name) == value)


def equal_flag(name: str) -> Callable[[Obj, str], bool]:
    return lambda one, value: bool(one.get(name) is (value == "true"))
