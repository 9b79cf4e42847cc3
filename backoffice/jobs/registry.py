"""Every job of the core and of the installed plugins, by its full name `owner.name`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from backoffice.access.transaction import Transaction
from backoffice.jobs.job import Job

CORE = "core"


class UnknownJob(LookupError):
    """No job of this name is installed."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no job {name}. `backoffice jobs list` shows all.")


@dataclass(frozen=True)
class Registered:
    """An installed job and whose it is: `core`, or a plugin's name."""

    owner: str
    job: Job

    @property
    def name(self) -> str:
        """The full name."""
        return f"{self.owner}.{self.job.name}"

    @property
    def queue(self) -> str:
        """In whose queue it waits. The core's is worked on whatever is switched off."""
        return CORE if self.job.forgets else self.owner

    def is_on(self, tx: Transaction) -> bool:
        """Whether it runs: its plugin is switched on, or no switch stops it."""
        return self.queue == CORE or tx.enabled(self.owner)

    @property
    def title(self) -> str:
        """What people call it."""
        return self.job.title or self.job.name.replace("-", " ").capitalize()


_jobs: Mapping[str, Registered] = {}


def install(by_owner: Mapping[str, Iterable[Job]]) -> None:
    """Make these the jobs of the process."""
    global _jobs  # noqa: PLW0603 - a process has one set of jobs
    found = [Registered(owner, job) for owner, jobs in by_owner.items() for job in jobs]
    _jobs = {each.name: each for each in found}


def installed() -> Mapping[str, Registered]:
    """Every installed job by its full name."""
    return _jobs


def by_title() -> list[Registered]:
    """Every installed job, in the order of what people call them."""
    return sorted(_jobs.values(), key=lambda each: str(each.title).casefold())


def by_age() -> Mapping[str, Sequence[str]]:
    """The titles of the jobs that delete what has been there for its time, by the table: `schema.name`."""
    found: dict[str, list[str]] = {}
    for entry in by_title():
        for model in entry.job.expires:
            found.setdefault(str(model.__table__), []).append(entry.title)
    return found


def one(name: str) -> Registered:
    """The job of this full name. Raises `UnknownJob`."""
    if name not in _jobs:
        raise UnknownJob(name)
    return _jobs[name]


def owners() -> list[str]:
    """Whose jobs there are."""
    return list(dict.fromkeys(each.owner for each in _jobs.values()))
