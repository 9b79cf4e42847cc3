"""What can be found by its name besides pages: what is done on them, in the words of who does it.

A command leads there and does nothing by itself. The page that it leads to declares it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A title, the door that opens the page, and where it lies below `/console/`.

    With `{name}` in its title it is done to a class, and lies below the class's own address.
    """

    title: str
    door: str
    path: str

    @property
    def of_class(self) -> bool:
        """Whether it is done to a class."""
        return "{name}" in self.title
