"""What one policy says otherwise than another: kind by kind and field by field, as people compare them."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum

from backoffice.privacy.retention.policy import Action, Entry, Policy


class Longer(StrEnum):
    """Which way a period changes."""

    LONGER = "longer"
    SHORTER = "shorter"


# What is said of each entry; its name is what it is known by.
FIELDS = tuple(each.name for each in fields(Entry) if each.name != "name")


@dataclass(frozen=True)
class Difference:
    """One kind of data of which two policies say something else.

    `old` or `new` is None where that policy has no such kind.
    """

    name: str
    old: Entry | None
    new: Entry | None

    @property
    def title(self) -> str:
        """What people call it: now, where its name changed."""
        entry = self.new or self.old
        assert entry is not None
        return entry.title

    @property
    def changed(self) -> tuple[str, ...]:
        """Which fields differ; none where the kind is new or gone."""
        if self.old is None or self.new is None:
            return ()
        return tuple(each for each in FIELDS if getattr(self.old, each) != getattr(self.new, each))

    @property
    def period(self) -> Longer | None:
        """Whether it is kept for longer or shorter, if either."""
        if self.old is None or self.new is None:
            return None
        old, new = self.old.period.at_most, self.new.period.at_most
        return None if old == new else Longer.LONGER if new > old else Longer.SHORTER

    @property
    def waits(self) -> bool:
        """Whether schools have to be told before it is in force: it keeps longer, or does more.

        Longer, for something else, by another clock, less erased or less warned of. Purpose and clock are
        told in words alone, so that another wording of them waits too. Another title or need, a shorter
        period and more warnings do not wait.
        """
        if self.old is None or self.new is None:
            return False
        return (
            self.period is Longer.LONGER
            or self.old.purpose != self.new.purpose
            or self.old.clock != self.new.clock
            or (self.old.action is Action.ERASE and self.new.action is not Action.ERASE)
            or not set(self.old.warnings) <= set(self.new.warnings)
        )


def differences(old: Policy, new: Policy) -> Iterator[Difference]:
    """What the new policy says otherwise, in its order; what it does not have any more comes last."""
    for name, entry in new.entries.items():
        if old.entries.get(name) != entry:
            yield Difference(name, old.entries.get(name), entry)
    for name, entry in old.entries.items():
        if name not in new.entries:
            yield Difference(name, entry, None)
