"""What the installation is told from outside: environment, files, TOML. Nothing else reads the environment.

Order of precedence, strongest first: `BACKOFFICE_<NAME>`, `BACKOFFICE_<NAME>_FILE` (its content),
the overlay named by `BACKOFFICE_CONFIG`, `config/backoffice.toml`.
"""

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from limits import parse_many
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as UnreadableSetting
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

CHECKOUT = Path(__file__).resolve().parent.parent
CONFIG = CHECKOUT / "config"
PREFIX = "BACKOFFICE_"
# The library that counts looks for it when it is imported.
SHARED_COUNTERS = "PROMETHEUS_MULTIPROC_DIR"
# Where Stripe answers; another address is a stand-in's on this machine.
STRIPE = "https://api.stripe.com"
# Of libpq's ways to connect, those that never fall back to an open one.
ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})
_MAIL_ADDRESS = re.compile(r"[!-?A-~]+@[A-Za-z0-9.-]+")

Minutes = Annotated[int, Field(gt=0, le=24 * 60)]


class SettingsError(Exception):
    """The installation is told something it cannot run with. `problems` holds one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sessions(_Section):
    """How long a session lives, in minutes."""

    account_idle: Minutes = 60
    account_idle_shared: Minutes = 10
    account_absolute: Minutes = 12 * 60
    student_idle_shared: Minutes = 5
    student_idle_own: Minutes = 20
    student_absolute: Minutes = 8 * 60

    @staticmethod
    def span(minutes: int) -> timedelta:
        """The number of minutes as a duration."""
        return timedelta(minutes=minutes)


class Passwords(_Section):
    """The cost of argon2id (RFC 9106); the defaults are OWASP's minimum."""

    memory_kib: Annotated[int, Field(ge=19 * 1024)] = 19 * 1024
    passes: Annotated[int, Field(ge=2)] = 2
    lanes: Annotated[int, Field(ge=1)] = 1


def _an_allowance(value: str) -> str:
    try:
        parse_many(value)
    except ValueError:
        raise ValueError("must be tries in spans of time, such as 5/minute;30/day") from None
    return value


Allowance = Annotated[str, AfterValidator(_an_allowance)]


class Throttles(_Section):
    """How many wrong tries are allowed, each kind for each of whatever it is counted by.

    Codes: 24 symbols at 8 places, or at 7 for a lesson. With the 27 wrong tries a day that a network has
    without a known device, 1,000 addresses find less than 0.1 of 40,000 standing and 2,000 lesson codes in
    any week (docs/decisions.md has the sum).
    """

    code_network: Allowance = "8/minute;27/day"
    # An IPv6 /48 holds 65,536 networks, and one customer gets it whole.
    code_site: Allowance = "40/minute;270/day"
    code_device: Allowance = "8/minute;60/day"
    # All devices that one school's classes vouch for, together: a child's own device is no way to guess.
    code_school: Allowance = "600/day"
    # All devices that any school vouches for, together; what is beyond counts as a stranger's.
    code_known: Allowance = "20000/day"
    code_overall: Allowance = "10000/hour"
    # Not wrong tries but visits: names shown and children let in.
    class_visits: Allowance = "600/hour"
    # Wrong PINs. A ladder for each child: after the fifth a minute, then 5, then 15, and after 20 a day.
    pin_student: Allowance = "5/minute;10/5 minute;15/15 minute;20/day"
    # Below a class's size: who tries one PIN on thirty children trips as who tries thirty on one.
    pin_device: Allowance = "10/10 minute;30/day"
    # For devices that no class let in before, which may be a school's whole morning behind one address.
    # A school that is locked out by it opens it for its own classes, which then have as much again.
    pin_network: Allowance = "60/10 minute;300/day"
    # In a class: at devices that it does not know, and at those where its children were in the last 30 days.
    # What is typed at its tablets, or with a card, takes of neither.
    pin_class: Allowance = "40/10 minute;50/day"
    pin_class_known: Allowance = "60/10 minute;140/day"
    # Things that a child tells, not wrong tries.
    worry_student: Allowance = "5/hour;15/day"
    # Things that anybody reports, signed in or not: a mail may come along with each.
    report_account: Allowance = "20/hour;60/day"
    report_network: Allowance = "10/hour;40/day"
    report_site: Allowance = "30/hour;100/day"
    report_overall: Allowance = "500/hour;2000/day"
    report_files: Allowance = "40/hour;150/day"
    # What a parent asks about a child.
    request_account: Allowance = "4/hour;10/day"
    # Searches in the whole console, one for each pause in typing; quick fingers make some three a second.
    find_account: Allowance = "150/minute;2000/hour"
    # Lists that are looked at or brought in: thousands of names are compared for each.
    import_account: Allowance = "20/minute;200/hour"
    password_device: Allowance = "8/minute;40/day"  # noqa: S105 - tries, no secret
    password_account: Allowance = "5/minute;15/hour;50/day"  # noqa: S105
    password_network: Allowance = "20/minute;100/hour;300/day"  # noqa: S105
    password_site: Allowance = "60/minute;300/hour;900/day"  # noqa: S105
    password_overall: Allowance = "3000/hour"  # noqa: S105
    # Mails that somebody asks for by an address: a new password, an account.
    letter_network: Allowance = "10/hour;40/day"
    letter_address: Allowance = "3/hour;6/day"
    # Accounts that somebody asks for; the mail counts for its address as every other.
    sign_up_network: Allowance = "10/hour;30/day"
    sign_up_site: Allowance = "30/hour;100/day"
    sign_up_overall: Allowance = "1000/hour"


class Lists(_Section):
    """How many rows of a list one action may change, and from how many on their number is typed.

    From `worker_from` on a worker makes the change: a request should not last as long.
    """

    most_teacher: Annotated[int, Field(ge=1, le=10_000)] = 500
    most_leader: Annotated[int, Field(ge=1, le=10_000)] = 10_000
    typed_from: Annotated[int, Field(ge=2)] = 100
    worker_from: Annotated[int, Field(ge=1, le=2_000)] = 1_000


class Changes(_Section):
    """For how long the last changes of a record are shown, and can be put back."""

    # The inventory says one month at most.
    kept_days: Annotated[int, Field(ge=1, le=30)] = 30


class Erasures(_Section):
    """For how long the oldest copy of the database lasts, whoever makes it: receipts say until when."""

    backups_kept_days: Annotated[int, Field(ge=0, le=3650)] = 35

    @property
    def backups_kept(self) -> timedelta:
        """As a span of time."""
        return timedelta(days=self.backups_kept_days)


class Retention(_Section):
    """How much of what people made may go by age in one run, in percent, before a person looks at it."""

    most_share: Annotated[int, Field(ge=1, le=100)] = 5


class Settings(BaseSettings):
    """The whole of an installation's settings. Made by `load`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: SecretStr | None = None
    database_direct_url: SecretStr | None = None
    data_dir: Path = CHECKOUT / "var"
    config: Path | None = None
    secret_key: SecretStr | None = None
    keyring_file: Path | None = None
    base_url: str = "http://localhost:8000"
    proxy_hops: Annotated[int, Field(ge=0, le=5)] = 0
    pg_bin: Path | None = None
    log_dir: Path | None = None
    smtp_url: SecretStr | None = None
    mail_from: str | None = None
    mail_bounces_to: str | None = None
    mail_per_domain: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    alert_mail: str | None = None
    metrics_token: Annotated[SecretStr, Field(min_length=16)] | None = None
    google_client_id: str | None = None
    google_client_secret: SecretStr | None = None
    google_discovery_url: str = "https://accounts.google.com/.well-known/openid-configuration"
    hooks_private: bool = False
    stripe_api_key: SecretStr | None = None
    stripe_api_base: str = STRIPE
    stripe_webhook_secret: SecretStr | None = None
    sessions: Sessions = Sessions()
    passwords: Passwords = Passwords()
    throttles: Throttles = Throttles()
    lists: Lists = Lists()
    changes: Changes = Changes()
    erasures: Erasures = Erasures()
    retention: Retention = Retention()

    @field_validator("base_url")
    @classmethod
    def _https_except_on_loopback(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be a full address such as https://school.example")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError(
                "is plain http on a host that is not this machine."
                " Children's data travels over https only: use an https:// address."
            )
        return parts.geturl()

    @field_validator("database_url", "database_direct_url")
    @classmethod
    def _an_address(cls, value: SecretStr | None) -> SecretStr | None:
        try:
            known = value is None or make_url(value.get_secret_value()).get_backend_name() == "postgresql"
        except (ArgumentError, ValueError):
            known = False
        if not known:
            raise ValueError("must be an address such as postgresql://user:password@host/database")
        if value is not None and _travels_in_the_clear(value.get_secret_value()):
            raise ValueError(
                "names a database on another machine and demands no encrypted connection. Add"
                " ?sslmode=verify-full&sslrootcert=/path/to/authority.pem to it, or ?sslmode=require"
                " where nobody else is on the network between."
            )
        return value

    @field_validator("smtp_url")
    @classmethod
    def _a_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _names_a_mail_server(value.get_secret_value()):
            raise ValueError(
                "must be an address such as smtp://user:password@mail.example:587 or smtps://mail.example"
            )
        return value

    @field_validator("mail_from", "mail_bounces_to", "alert_mail")
    @classmethod
    def _a_mail_address(cls, value: str | None) -> str | None:
        # A line break would begin another header.
        if value and not (value.isprintable() and _MAIL_ADDRESS.fullmatch(parseaddr(value)[1])):
            raise ValueError(
                "must be an e-mail address such as help@school.example or School <help@school.example>"
            )
        return value

    @field_validator("google_discovery_url")
    @classmethod
    def _a_discovery_address(cls, value: str) -> str:
        parts = urlsplit(value)
        safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        if not (safe and parts.hostname and parts.path.endswith("/.well-known/openid-configuration")):
            raise ValueError("must be a full https:// address that ends in /.well-known/openid-configuration")
        return value

    @field_validator("stripe_api_base")
    @classmethod
    def _stripe_or_this_machine(cls, value: str) -> str:
        parts = urlsplit(value)
        stand_in = parts.scheme == "http" and is_loopback(parts.hostname or "")
        if value.rstrip("/") != STRIPE and not (stand_in and parts.path in {"", "/"} and not parts.query):
            raise ValueError(f"must be {STRIPE}, or http:// on this machine for a stand-in")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _stripe_is_heard(self) -> "Settings":
        if (self.stripe_api_key is None) != (self.stripe_webhook_secret is None):
            raise ValueError(
                f"{PREFIX}STRIPE_API_KEY and {PREFIX}STRIPE_WEBHOOK_SECRET belong together: set both."
            )
        return self

    @model_validator(mode="after")
    def _google_knows_this_service(self) -> "Settings":
        if (self.google_client_id is None) != (self.google_client_secret is None):
            raise ValueError(
                f"{PREFIX}GOOGLE_CLIENT_ID and {PREFIX}GOOGLE_CLIENT_SECRET belong together: set both."
            )
        return self

    @model_validator(mode="after")
    def _mail_comes_from_somewhere(self) -> "Settings":
        if self.smtp_url is None:
            return self
        if self.mail_folder is not None and self.secure:
            raise ValueError(
                f"{PREFIX}SMTP_URL names a folder, which is for a site on plain http on this machine only."
                " Name a mail server."
            )
        if self.mail_from is None:
            raise ValueError(f"{PREFIX}SMTP_URL needs {PREFIX}MAIL_FROM beside it, where mails come from.")
        return self

    @model_validator(mode="after")
    def _direct_is_not_alone(self) -> "Settings":
        # Else a machine that migrates would quietly make an embedded database of its own.
        if self.database_direct_url is not None and self.database_url is None:
            raise ValueError(f"{PREFIX}DATABASE_DIRECT_URL needs {PREFIX}DATABASE_URL beside it.")
        return self

    @property
    def secure(self) -> bool:
        """Whether the site is reached over https, so that cookies carry Secure and `__Host-`."""
        return self.base_url.startswith("https://")

    @property
    def mail_folder(self) -> Path | None:
        """The folder that mails are written to instead of being sent, on the loopback demo."""
        url = urlsplit(self.smtp_url.get_secret_value()) if self.smtp_url else None
        return Path(unquote(url.path)) if url is not None and url.scheme == "file" else None

    @property
    def report_address(self) -> str | None:
        """The bare address to which people report what looks wrong to them."""
        named = self.alert_mail or self.mail_from
        return parseaddr(named)[1] if named else None

    @property
    def return_address(self) -> str | None:
        """Where mails come back to that could not be delivered."""
        return self.mail_bounces_to or self.mail_from

    @property
    def keyring(self) -> Path:
        """The keyring's file, outside the database and its backups."""
        return self.keyring_file or self.data_dir / "keyring.json"

    @property
    def ledger_folder(self) -> Path:
        """Where the ledger of erasures is kept, outside the database and its backups."""
        return self.data_dir / "ledger"

    @property
    def outbox_folder(self) -> Path:
        """Where the senders of one machine note which mails they have in hand."""
        return self.data_dir / "outbox"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order of precedence that the module's docstring promises."""
        del dotenv_settings, file_secret_settings
        assert isinstance(env_settings, EnvSettingsSource)
        from_files = _from_files(settings_cls)
        overlay = env_settings.env_vars.get(f"{PREFIX}CONFIG".lower()) or from_files.get("config")
        if overlay:
            Path(overlay).stat()  # pydantic-settings passes over a file that is not there
        return (
            init_settings,
            env_settings,
            InitSettingsSource(settings_cls, from_files),
            TomlConfigSettingsSource(settings_cls, Path(overlay) if overlay else None),
            TomlConfigSettingsSource(settings_cls, CONFIG / "backoffice.toml"),
        )


def load() -> Settings:
    """Read the settings of this process. Raises `SettingsError` with every problem at once."""
    unknown = _unknown(os.environ)
    problems = [
        f"{name} is not a setting. Look for a typing error; docs/operations.md lists them all."
        for name in unknown
    ]
    settings = None
    try:
        settings = Settings()
    except ValidationError as error:
        problems += [_sentence(detail) for detail in error.errors() if _name(detail) not in unknown]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"A settings file cannot be read: {error}")
    except UnreadableSetting as error:
        problems.append(f"A setting cannot be read: {error}")
    if problems or settings is None:
        raise SettingsError(problems)
    return settings


def plugin_config(name: str) -> dict[str, Any]:
    """The content of `config/<name>.toml` of the checkout. Raises `SettingsError`."""
    try:
        return tomllib.loads((CONFIG / f"{name}.toml").read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError([f"config/{name}.toml cannot be read: {error}"]) from None


def _from_files(settings_cls: type[BaseSettings]) -> dict[str, str]:
    found = {}
    for field in settings_cls.model_fields:
        path = os.environ.get(f"{PREFIX}{field.upper()}_FILE")
        if path and field not in _sections(settings_cls):
            found[field] = Path(path).read_text("utf-8").strip()
    return found


def _sections(settings_cls: type[BaseSettings]) -> Mapping[str, type[_Section]]:
    """The settings that are groups of settings, such as `SESSIONS__ACCOUNT_IDLE`."""
    return {
        name: info.annotation
        for name, info in settings_cls.model_fields.items()
        if isinstance(info.annotation, type) and issubclass(info.annotation, _Section)
    }


def _unknown(environ: Mapping[str, str]) -> list[str]:
    sections = _sections(Settings)
    single = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields if field not in sections}
    grouped = {
        f"{PREFIX}{section.upper()}__{field.upper()}"
        for section, model in sections.items()
        for field in model.model_fields
    }
    known = single | {f"{name}_FILE" for name in single} | grouped
    known |= {f"{PREFIX}{section.upper()}" for section in sections}  # the whole group, as JSON
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)


def _names_a_mail_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme == "file":
        return not parts.netloc and parts.path.startswith("/")
    return parts.scheme in {"smtp", "smtps"} and bool(parts.hostname) and port != 0 and not parts.path[1:]


def _travels_in_the_clear(address: str) -> bool:
    """Whether somebody between here and the database could listen."""
    url = make_url(address)

    def told(name: str, variable: str = "") -> list[str]:
        given = url.normalized_query.get(name) or ([os.environ[variable]] if variable in os.environ else [])
        return [each for value in given for each in value.split(",")]

    # What an address leaves out the driver takes from variables of its own.
    hosts = url.host.split(",") if url.host else told("host", "PGHOST")
    hosts = [*hosts, *told("host"), *told("hostaddr", "PGHOSTADDR")]
    far = [each for each in hosts if each and not each.startswith(("/", "@")) and not is_loopback(each)]
    named_elsewhere = told("service", "PGSERVICE")
    return bool(far or named_elsewhere) and not set(told("sslmode")[-1:]) & ENCRYPTED


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name(error: Mapping[str, Any]) -> str:
    """The variable that an error is about, or nothing if it is about several."""
    where = "__".join(str(part) for part in error["loc"]).upper()
    return f"{PREFIX}{where}" if where else ""


def _sentence(error: Mapping[str, Any]) -> str:
    where, said = _name(error), str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {said}" if where else said


def shared_counters() -> Path | None:
    """The folder in which the processes of one web server keep what they count, if a supervisor made one."""
    named = os.environ.get(SHARED_COUNTERS)
    return Path(named) if named else None


def child_environment(**settings: str) -> dict[str, str]:
    """The environment for a child process: this one's, with some settings replaced."""
    replaced = {f"{PREFIX}{name}": value for name, value in settings.items()}
    told = {*replaced, f"{PREFIX}DATABASE_DIRECT_URL"}
    dropped = told | {f"{name}_FILE" for name in told}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | replaced


def port() -> int:
    """The port of `make demo` and `backoffice serve`: `PORT`, else 8000. Raises `SettingsError`."""
    given = os.environ.get("PORT", "8000")
    if not given.isdecimal() or not 0 < int(given) < 2**16:
        raise SettingsError([f"PORT={given} is not a port. Use a number such as PORT=8001."])
    return int(given)
