"""What can be found by its name besides pages: what is done on them, in the words of who does it.

A command leads there and does nothing by itself. The page that it leads to declares it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A title, the door that opens to whoever may do it, and where it is done.

    With `{name}` in its title it is done to a class, and `path` lies below the class's own address; else
    below `/console/`. A path that begins with a slash is an address of its own; `{}` in it is the class.
    `page` is the door of the page that it leads to, where that is another; `also` has other words for it.
    """

    title: str
    door: str
    path: str
    page: str = ""
    also: str = ""

    @property
    def of_class(self) -> bool:
        """Whether it is done to a class."""
        return "{name}" in self.title

    @property
    def doors(self) -> tuple[str, ...]:
        """The doors that must be open to whom it is offered."""
        return (self.door, self.page) if self.page else (self.door,)

    @property
    def words(self) -> str:
        """What it is called, without the name of a class."""
        return str(self.title.replace("{name}", ""))

    def address(self, classroom: str = "") -> str:
        """Where it is done, to the class of this identifier if to one."""
        start = "/console/classrooms/{}/" if self.of_class else "/console/"
        return (self.path if self.path.startswith("/") else start + self.path).replace("{}", classroom)
