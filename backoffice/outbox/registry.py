"""Every mail that this process can write, by its full name, with the folder of its templates."""

import importlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol

from jinja2 import TemplateSyntaxError

from backoffice.outbox.mail import Mail
from backoffice.outbox.rendering import GIVEN, PARTS, Site, Templates

CORE = "core"


class MailError(Exception):
    """Mails cannot be written as they are declared; `problems` says which and why, one sentence each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


class Owner(Protocol):
    """What declares mails: a plugin."""

    @property
    def name(self) -> str:
        """Stands before the names of its mails."""

    @property
    def package(self) -> str:
        """Where its templates lie."""

    @property
    def mails(self) -> tuple[Mail, ...]:
        """Its mails."""


@dataclass(frozen=True)
class KnownMail:
    """A declared mail. `folder` holds its three templates."""

    name: str
    mail: Mail
    folder: Path


@dataclass(frozen=True)
class Registry:
    """The mails of a process and what renders them."""

    mails: tuple[KnownMail, ...]
    templates: Templates

    def of(self, mail: Mail) -> KnownMail:
        """The entry of a declared mail. Raises `LookupError` for one that nobody has listed."""
        # By identity: two owners may each have a mail of one name that says the same to everybody.
        found = next((known for known in self.mails if known.mail is mail), None)
        if found is None:
            raise LookupError(f"The mail {mail.name} is listed by no plugin and not by the core.")
        return found


_installed: Registry | None = None


def install(core: Iterable[tuple[str, Mail]], plugins: Iterable[Owner], site: Site) -> None:
    """Make these the mails of the process; those of the core come with their packages.

    Raises `MailError` for a missing template, one that is no template, and a variable that nothing fills.
    """
    global _installed  # noqa: PLW0603 - a process has one set of mails
    declared = [(CORE, package, mail) for package, mail in core]
    declared += [(owner.name, owner.package, mail) for owner in plugins for mail in owner.mails]
    known = tuple(
        KnownMail(f"{owner}.{mail.name}", mail, _folder(package, mail)) for owner, package, mail in declared
    )
    registry = Registry(known, Templates({each.name: each.folder for each in known}, site))
    problems = [problem for each in known for problem in _faults(registry.templates, each)]
    if problems:
        raise MailError(problems)
    _installed = registry


def current() -> Registry:
    """The mails of the process. Raises `RuntimeError` before `install`."""
    if _installed is None:
        raise RuntimeError("No mails are installed in this process.")
    return _installed


def _folder(package: str, mail: Mail) -> Path:
    module = importlib.import_module(package)
    return Path(str(module.__file__)).parent / "emails" / mail.name


def _faults(templates: Templates, known: KnownMail) -> Iterator[str]:
    filled = {field.name for field in fields(known.mail.parameters)}
    for name in sorted(filled & GIVEN):
        yield f"The mail {known.name} has a parameter {name}, which every mail is given already."
    for part in PARTS:
        try:
            used = templates.variables(known.name, part)
        except FileNotFoundError:
            yield f"The mail {known.name} has no template {part} in {known.folder}."
        except TemplateSyntaxError as error:
            yield f"The mail {known.name} has a template {part} that cannot be read: line {error.lineno}."
        else:
            for name in sorted(used - filled - GIVEN):
                yield f"The mail {known.name} uses {name} in {part}, which is none of its parameters."
