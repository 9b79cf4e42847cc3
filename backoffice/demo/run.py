"""`make demo`: everything up, filled and told."""

from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from backoffice import launch
from backoffice.demo import record
from backoffice.demo.classroom import PIN
from backoffice.demo.seed import Seeded, is_empty, seed
from backoffice.runtime import Runtime
from backoffice.schools.codes import spaced
from backoffice.settings import Settings

ROLES = {
    "teacher": "a teacher",
    "leader": "a school leader",
    "teacher_elsewhere": "a teacher of another school",
    "co_teacher": "a co-teacher",
    "parent": "a parent",
    "founder": "a founder",
    "founder_2": "a second founder",
}


MAIL = "mail"
MAIL_FROM = "Classroom Back Office <help@company.example>"


class DemoError(Exception):
    """The demo cannot start; says what to do."""


def run(settings: Settings, port: int) -> int:
    """Start the demo and stay until stopped; returns the exit code."""
    if settings.database_url is not None:
        raise DemoError(
            "The demo keeps to a database of its own, and fills it with made-up people."
            " Unset BACKOFFICE_DATABASE_URL first."
        )
    base_url = f"http://localhost:{port}"
    settings = settings.model_copy(update={"base_url": base_url})
    launch.free_port(port)
    print("Starting the database ...", flush=True)
    opened = launch.open_here(settings, adopt=True)
    folder = opened.runtime.settings.data_dir
    # The terminal is for the person; what the web has to say goes into a file.
    opened = launch.logging_to(opened, folder / "logs")
    opened = launch.mailing_to(opened, folder / MAIL, sender=MAIL_FROM)
    try:
        launch.migrate(opened.runtime)
        seeded = _people(opened.runtime, folder)
    except BaseException:
        opened.close()
        raise

    def ready() -> bool:
        if not _answers(base_url):
            return False
        mail_dir = folder / MAIL
        mail_dir.mkdir(exist_ok=True)
        content = record.write(
            folder,
            seeded=seeded,
            base_url=base_url,
            database=opened.runtime.database,
            mail_dir=mail_dir,
        )
        opened.runtime.database.dispose()
        _tell(content, folder)
        return True

    return launch.supervise(opened, port=port, ready=ready, on_stop=[lambda: record.remove(folder)])


def _people(runtime: Runtime, folder: Path) -> Seeded:
    seeded = record.kept(folder)
    if is_empty():
        print("Filling it with a made-up district ...", flush=True)
        parts = [plugin.demo for plugin in runtime.plugins if plugin.demo is not None]
        seeded = seed(runtime.settings.passwords, keep=partial(record.keep, folder), parts=parts)
    if seeded is None:
        raise DemoError(
            f"The demo's passwords ({folder / record.PEOPLE}) are gone."
            f" Move {folder} away to start with a fresh demo."
        )
    return seeded


def _answers(base_url: str) -> bool:
    try:
        with urlopen(f"{base_url}/readyz", timeout=1) as response:  # noqa: S310 - our own loopback
            return bool(response.status == HTTPStatus.OK)
    except (URLError, OSError):
        return False


def _tell(content: dict[str, Any], folder: Path) -> None:
    accounts, classroom = content["accounts"], content["classroom"]
    widest = max(len(account["email"]) for account in accounts.values())
    lines = [
        "",
        f"  The back office is at {content['base_url']}",
        "",
        f"  Sign in at {content['base_url']}/sign-in as",
        *(
            f"    {accounts[role]['email']:<{widest}}  {accounts[role]['password']}   {words}"
            for role, words in ROLES.items()
        ),
        "",
        f"  Children sign in at {content['base_url']}/join",
        f"    with the code {spaced(classroom['code'])} of {classroom['name']}"
        if classroom["code"]
        else "    with a code from the console",
        f"    and whoever is asked for a secret number has {PIN}",
        "",
        f"  Mails lie at {content['base_url']}/demo/mail",
        "",
        f"  All of this is in {folder / record.RECORD}. Ctrl-C stops everything.",
        "",
    ]
    print("\n".join(lines), flush=True)
