"""What may be done that is called so, for whoever looks for it by typing: each leads to where it is done."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from flask import current_app

from backoffice.access.permissions import Permission
from backoffice.access.policy import can
from backoffice.access.transaction import Transaction
from backoffice.console.class_page import ClassPage
from backoffice.console.command import Command
from backoffice.console.guard import GuardedView
from backoffice.language.texts import gettext
from backoffice.schools import names
from backoffice.schools.models import Classroom

Found = dict[str, str]
# Which classes have a word in their names that begins with each of the words that are looked for.
Begun = Mapping[str, set[int]]
# For so many classes one thing is offered.
MOST_OF_ONE = 2


@dataclass(frozen=True)
class OfClass:
    """A command of classes, what it needs of a class, and which of the words are to be the class's own.

    `aside`: some of the words are none of its title, and other words for it.
    """

    command: Command
    permissions: frozenset[Permission]
    left: frozenset[str]
    aside: bool

    def is_for(self, tx: Transaction, room: Classroom, begun: Begun) -> bool:
        """Whether it is offered for this class: its name has the words, and one may do it there."""
        named = all(room.id in begun[word] for word in self.left)
        return named and all(can(tx.principal, each, room) for each in self.permissions)


def actions(tx: Transaction, rooms: Sequence[Classroom], begun: Begun, words: str) -> Iterator[Found]:
    """What may be done that is called so; to a class, if the words that are left name it.

    What is called so by its title comes before what other words are for. One thing is offered for two classes
    at most: whoever means another types more of its name, and does not look through the same line over again.
    """
    views = [view for view in _views() if view.switched_on]
    offered = [each for view in views for each in view.offered() if not each.of_class]
    for command in sorted(offered, key=lambda each: not names.begins(each.words, words)):
        if names.begins(f"{command.words} {command.also}", words):
            yield {"title": command.title, "hint": "", "url": command.address()}
    of_classes = [each for view in views for each in _of_classes(view, begun)]
    of_classes.sort(key=lambda each: each.aside)
    offered_of: Counter[Command] = Counter()
    for room in rooms:
        for each in of_classes:
            if offered_of[each.command] < MOST_OF_ONE and each.is_for(tx, room, begun):
                offered_of[each.command] += 1
                yield {
                    "title": each.command.title.format(name=room.name),
                    "hint": "",
                    "url": each.command.address(room.public_id),
                }


def _of_classes(view: GuardedView, begun: Begun) -> Iterator[OfClass]:
    """What is done on a page to one class, and the page of the class itself."""
    commands = [each for each in view.offered() if each.of_class]
    if isinstance(view, ClassPage) and view.opens(view.page):
        commands.append(Command(gettext("%(title)s of {name}", title=view.title), view.page, view.tail))
    # Small words of the titles: their beginnings are those of names too.
    small = set(gettext("a and for in into of or the to with").split())
    for command in commands:
        title = set(names.plain(command.words).split()) - small
        others = set(names.plain(str(command.also)).split())
        untitled = {word for word in begun if not _begins_one(word, title)}
        left = frozenset(word for word in untitled if not _begins_one(word, others))
        needed = frozenset(view.doors[door] for door in command.doors)
        yield OfClass(command, needed, left, aside=untitled != left)


def _begins_one(word: str, of: Collection[str]) -> bool:
    return any(part.startswith(word) for part in of)


def _views() -> list[GuardedView]:
    return [
        view
        for view in current_app.extensions["admin"][0]._views  # noqa: SLF001 - it has no public list
        if isinstance(view, GuardedView)
    ]
