"""Which providers there are: Google's row follows the settings, others are registered by command."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text

from backoffice.access.lookup import NotFound
from backoffice.access.transaction import transaction
from backoffice.accounts.providers.models import IdentityProvider
from backoffice.accounts.providers.services import directory
from backoffice.accounts.providers.services.directory import Registration
from backoffice.audit.models import AuditEntry
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.settings import Settings, SettingsError, load
from backoffice.storage.roles import DatabaseRole
from tests.factories.commands import Run
from tests.factories.world import SYSTEM, World

pytestmark = pytest.mark.usefixtures("world")

ENTRA = "https://login.microsoftonline.example/tenant/v2.0/.well-known/openid-configuration"


def google(**more: str) -> Settings:
    given = {"google_client_id": "classroom", "google_client_secret": "known to both", **more}
    return Settings(**given)  # type: ignore[arg-type]


def names(runtime: Runtime) -> list[str]:
    del runtime
    with transaction(SYSTEM) as tx:
        return [
            each.name
            for each in tx.scalars(select(IdentityProvider).order_by(IdentityProvider.id))
            if each.enabled
        ]


def entries() -> int:
    with transaction(SYSTEM) as tx:
        return len(tx.scalars(select(AuditEntry).where(AuditEntry.verb.like("providers.%"))).all())


def test_googles_row_follows_the_settings(runtime: Runtime) -> None:
    directory.follow(principal=SYSTEM, settings=google())
    found = directory.one("google")
    assert (found.title, found.client_id, found.client_secret) == ("Google", "classroom", "known to both")
    assert found.discovery_url == "https://accounts.google.com/.well-known/openid-configuration"
    noted = entries()
    directory.follow(principal=SYSTEM, settings=google())
    assert entries() == noted, "Nothing changed, nothing noted."
    directory.follow(principal=SYSTEM, settings=google(google_client_secret="another secret"))
    assert directory.one("google").client_secret == "another secret"
    assert directory.one("google").id == found.id, "Whoever is linked stays so."
    directory.follow(principal=SYSTEM, settings=Settings())
    with pytest.raises(NotFound):
        directory.one("google")
    assert entries() == noted + 2
    assert names(runtime) == []


def test_the_secret_lies_sealed(runtime: Runtime) -> None:
    directory.follow(principal=SYSTEM, settings=google())
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        stored = connection.scalar(text("select client_secret from app.identity_provider"))
    assert b"known to both" not in bytes(stored)
    directory.follow(principal=SYSTEM, settings=Settings())


@pytest.mark.parametrize("name", ["code", "link", "Entra", "", "x" * 41, "a/b", "../x"])
def test_a_name_must_fit_an_address(runtime: Runtime, name: str) -> None:
    del runtime
    with pytest.raises(Rejected, match="small letters"):
        directory.register(
            principal=SYSTEM, name=name, registration=Registration("X", ENTRA, "id", SecretStr("s"))
        )


@pytest.mark.parametrize(
    "url", [ENTRA.replace("https", "http"), "https://login.example/", "login.example", f"{ENTRA}?x=y"]
)
def test_a_discovery_address_must_be_one(runtime: Runtime, url: str) -> None:
    del runtime
    with pytest.raises(Rejected, match="https"):
        directory.register(
            principal=SYSTEM, name="entra", registration=Registration("X", url, "id", SecretStr("s"))
        )


def test_another_provider_is_one_more_row(run: Run, world: World, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("only theirs and ours\n", "utf-8")
    said = ("--title", "Microsoft", "--client-id", "back office", "--client-secret-file", str(secret))
    claims = ("--domain-claim", "tid", "--verified-claim", "xms_edov")
    answer = run("providers", "register", "entra", *said, "--discovery-url", ENTRA, *claims)
    assert (answer.code, answer.out) == (0, "People may sign in with entra.\n"), answer.err
    found = directory.one("entra")
    assert (found.client_secret, found.domain_claim, found.verified_claim) == (
        "only theirs and ours",
        "tid",
        "xms_edov",
    )
    wrong = run("providers", "register", "entra", *said, "--discovery-url", "http://login.example/")
    assert (wrong.code, "https" in wrong.err) == (2, True)
    assert "only theirs" not in wrong.err + wrong.out + answer.out
    assert run("providers", "withdraw", "entra").out == "Nobody signs in with entra any more.\n"
    assert run("providers", "withdraw", "entra").out == "entra was not in use.\n"
    for command in (("withdraw", "google"), ("register", "google", *said, "--discovery-url", ENTRA)):
        assert "follows the settings" in run("providers", *command).err
    assert run("providers", "ask-nothing", world.home.public_id).out == "It asked for nothing.\n"
    assert run("providers", "ask-nothing", "nowhere").code == 2


def test_half_a_setting_and_an_open_address_are_told_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKOFFICE_GOOGLE_CLIENT_ID", "classroom")
    with pytest.raises(SettingsError) as raised:
        load()
    assert "belong together" in str(raised.value)
    monkeypatch.setenv("BACKOFFICE_GOOGLE_CLIENT_SECRET", "known to both")
    for url in (
        "http://accounts.google.com/.well-known/openid-configuration",
        "https://accounts.google.com/",
        "x",
    ):
        monkeypatch.setenv("BACKOFFICE_GOOGLE_DISCOVERY_URL", url)
        with pytest.raises(SettingsError) as raised:
            load()
        assert "BACKOFFICE_GOOGLE_DISCOVERY_URL" in str(raised.value)
        assert "known to both" not in str(raised.value)
    local = "http://127.0.0.1:9400/.well-known/openid-configuration"
    monkeypatch.setenv("BACKOFFICE_GOOGLE_DISCOVERY_URL", local)
    assert load().google_discovery_url == local


def test_an_upgrade_writes_the_row(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"BACKOFFICE_GOOGLE_CLIENT_ID": "classroom", "BACKOFFICE_GOOGLE_CLIENT_SECRET": "known to both"}
    assert run("db", "upgrade", **said).code == 0
    assert directory.one("google").client_id == "classroom"
    for name in said:
        monkeypatch.delenv(name)
    assert run("db", "upgrade").code == 0
    with pytest.raises(NotFound):
        directory.one("google")
