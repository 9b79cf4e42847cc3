"""Starting everything on one machine: the embedded database if none is named, migrations, the processes."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import SecretStr

from backoffice.access.principal import Principal, Purpose
from backoffice.accounts.providers.services import directory
from backoffice.privacy.retention import deciding
from backoffice.runtime import Runtime, open_runtime
from backoffice.serve import ProcessSpec, Supervisor, require_free_port, web_command
from backoffice.settings import SHARED_COUNTERS, Settings, child_environment
from backoffice.storage import embedded
from backoffice.storage.embedded import EmbeddedServer
from backoffice.storage.keyring import Keyring
from backoffice.storage.migrate import upgrade
from backoffice.storage.roles import DatabaseRole, RoleError

DATABASE_FOLDER = "postgres"
# Seconds by which the web starts before what nobody waits for.
WEB_FIRST = 5.0


@dataclass(frozen=True)
class Opened:
    """A runtime on this machine, and the embedded server if it is this process's to stop."""

    runtime: Runtime
    server: EmbeddedServer | None

    def close(self) -> None:
        """Let go of the database, and stop it if it is ours."""
        self.runtime.database.dispose()
        if self.server is not None:
            embedded.stop(self.server)


def data_folder(settings: Settings) -> Path:
    """Where this installation keeps its data. Raises `EmbeddedError`."""
    return embedded.home(settings.data_dir, explicit="data_dir" in settings.model_fields_set)


def open_here(settings: Settings, *, adopt: bool = False) -> Opened:
    """Open the runtime over the database named in the settings, else over the embedded one.

    The embedded one is made on first use, together with its keyring. One that already runs belongs to
    another process and is left running at the end; a supervisor adopts it, as a killed one leaves it.
    Raises `EmbeddedError` and whatever `open_runtime` raises.
    """
    if settings.database_url is not None:
        return Opened(open_runtime(settings, settings.database_url.get_secret_value()), None)
    folder = data_folder(settings)
    settings = settings.model_copy(update={"data_dir": folder})
    if not settings.keyring.exists() and not (folder / DATABASE_FOLDER / "data").exists():
        Keyring.generate().write(settings.keyring)
    left_alone = embedded.is_running(folder / DATABASE_FOLDER) and not adopt
    server = embedded.start(folder / DATABASE_FOLDER, pg_bin=settings.pg_bin)
    try:
        return Opened(open_runtime(settings, server.url()), None if left_alone else server)
    except Exception:
        if not left_alone:
            embedded.stop(server)
        raise


def logging_to(opened: Opened, folder: Path) -> Opened:
    """The same, with the web's log in a folder."""
    settings = opened.runtime.settings.model_copy(update={"log_dir": folder})
    return replace(opened, runtime=replace(opened.runtime, settings=settings))


def mailing_to(opened: Opened, folder: Path, *, sender: str) -> Opened:
    """The same, with mails written into a folder instead of being sent."""
    mail = {"smtp_url": SecretStr(folder.resolve().as_uri()), "mail_from": sender}
    settings = opened.runtime.settings.model_copy(update=mail)
    return replace(opened, runtime=replace(opened.runtime, settings=settings))


def migrate(runtime: Runtime) -> list[str]:
    """Bring the schemas up to date, and what follows the settings; returns a line for each schema."""
    lines = upgrade(runtime.database, runtime.migrations)
    # With the owner's own address alone there is no login as the system; then a scheduler does it.
    with suppress(RoleError):
        directory.follow(principal=Principal(Purpose("db-upgrade")), settings=runtime.settings)
        deciding.accept_first(principal=Purpose("db-upgrade"))
    return lines


def supervise(
    opened: Opened,
    *,
    port: int,
    ready: Callable[[], bool] | None = None,
    on_stop: Sequence[Callable[[], object]] = (),
) -> int:
    """Run web, worker and scheduler under one supervisor until told to stop; returns the exit code."""
    background = _background_environment(opened.runtime)
    counters = _counters()
    web = {**_web_environment(opened.runtime), SHARED_COUNTERS: counters}
    processes = [
        ProcessSpec("web", web_command(port), env=web),
        *(
            ProcessSpec(name, [sys.executable, "-m", "backoffice", name], env=background, delay=WEB_FIRST)
            for name in ("worker", "scheduler")
        ),
    ]
    # Idle pooled connections would keep the database from stopping at once.
    opened.runtime.database.dispose()
    last = [*on_stop, opened.close, lambda: _forget(counters)]
    return Supervisor(processes, ready=ready, on_stop=last).run()


def free_port(port: int) -> None:
    """Raise `PortError` if something else listens on the port."""
    require_free_port("localhost", port)


def _web_environment(runtime: Runtime) -> Mapping[str, str]:
    # The web is told its own login alone: a mistake of its code stays within that.
    return _environment(runtime, DATABASE_URL=_login(runtime, DatabaseRole.APP))


def _background_environment(runtime: Runtime) -> Mapping[str, str]:
    # The system's login to work with, and the web's to try out what the web may do; nothing stronger.
    return _environment(
        runtime,
        DATABASE_URL=_login(runtime, DatabaseRole.APP),
        DATABASE_DIRECT_URL=_login(runtime, DatabaseRole.SYSTEM),
    )


def _login(runtime: Runtime, role: DatabaseRole) -> str:
    return runtime.database.url(role).set(drivername="postgresql").render_as_string(hide_password=False)


def _environment(runtime: Runtime, **addresses: str) -> Mapping[str, str]:
    settings = runtime.settings
    return child_environment(
        **addresses,
        DATA_DIR=str(settings.data_dir),
        KEYRING_FILE=str(settings.keyring),
        BASE_URL=settings.base_url,
        **({"LOG_DIR": str(settings.log_dir)} if settings.log_dir else {}),
        **({"SMTP_URL": settings.smtp_url.get_secret_value()} if settings.smtp_url else {}),
        **({"MAIL_FROM": settings.mail_from} if settings.mail_from else {}),
        **({"ALERT_MAIL": settings.alert_mail} if settings.alert_mail else {}),
    )


def run_web(port: int) -> int:
    """Run the web server alone over the database of the settings; returns the exit code."""
    counters = _counters()
    web = {**child_environment(), SHARED_COUNTERS: counters}
    return Supervisor(
        [ProcessSpec("web", web_command(port), env=web)], on_stop=[lambda: _forget(counters)]
    ).run()


def _counters() -> str:
    """A folder in which the web's processes count together, for as long as they have one supervisor."""
    return tempfile.mkdtemp(prefix="backoffice-counters-")


def _forget(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
