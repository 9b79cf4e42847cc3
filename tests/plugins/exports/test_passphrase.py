"""Locked exports: the passphrase opens them, and is nowhere to be found once they are made or over."""

import io
import zipfile
from base64 import b64encode
from pathlib import Path

import pyrage
import pytest
import structlog
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.jobs.models import QueuedJob
from backoffice.privacy.erasure import services as erasing
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import AskedAs
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.storage.embedded import EmbeddedServer
from plugins.exports import services
from plugins.exports.content import Manifest
from plugins.exports.models import Export, ExportState
from plugins.exports.services import Wanted
from tests.contract.pages import form_token
from tests.factories.commands import Answer, Run
from tests.factories.world import SYSTEM, World, add_child
from tests.plugins.exports.conftest import WORKER, change, row_of, work
from tests.plugins.exports.test_pages import CONSOLE, OWN, last, link, signed_in
from tests.privacy.erasure.test_dumps import dump

PASSPHRASE = "maple umbrella quartz täglich"


def ask(world: World, role: str = "teacher", passphrase: str = PASSPHRASE) -> str:
    return services.ask(
        principal=world.sign_in(role),
        subject=Subject.CLASSROOM,
        public_id=world.own_class.public_id,
        passphrase=passphrase,
    )


def kept(export: str) -> str | None:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Export.passphrase).where(Export.public_id == export)).one()


def test_what_is_fetched_opens_with_the_passphrase_alone(app: Flask, world: World, files: Path) -> None:
    browser = signed_in(app, world, "teacher")
    data = {
        "csrf_token": form_token(browser.get(CONSOLE).text),
        "classroom": world.own_class.public_id,
        "passphrase": PASSPHRASE,
        "again": PASSPHRASE,
    }
    assert browser.post(CONSOLE, data=data).status_code == 303
    asked = last().public_id
    assert work(asked, files) is ExportState.READY
    page = browser.get(CONSOLE).text
    assert f"age --decrypt --output export.zip export-{asked}.zip.age" in page
    got = browser.get(link(asked))
    assert got.mimetype == "application/octet-stream"
    assert got.headers["Content-Disposition"] == f'attachment; filename="export-{asked}.zip.age"'
    opened = pyrage.passphrase.decrypt(got.data, PASSPHRASE)
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(opened)).namelist()
    with pytest.raises(pyrage.DecryptError):
        pyrage.passphrase.decrypt(got.data, PASSPHRASE.title())
    part = browser.get(link(asked), headers={"Range": "bytes=10-19"})
    assert part.data == got.data[10:20]


def test_afterwards_it_is_nowhere(
    runtime: Runtime,
    server: EmbeddedServer,
    world: World,
    files: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    words = PASSPHRASE.encode()
    told = (words, words.hex().encode(), b64encode(words)[:-2])
    with structlog.testing.capture_logs() as lines:
        asked = ask(world)
        waits = dump(runtime, server)
        # It waits sealed, and is in no job.
        assert kept(asked) == PASSPHRASE
        assert not [each for each in told if each in waits]
        with transaction(SYSTEM) as tx:
            job = select(QueuedJob.args).where(QueuedJob.task_name == services.MAKE)
            (arguments,) = tx.scalars(job.order_by(QueuedJob.id.desc()).limit(1)).all()
        assert arguments["number"] == row_of(asked).id
        assert PASSPHRASE not in str(arguments)
        work(asked, files)
    assert kept(asked) is None
    after = dump(runtime, server)
    assert world.district.encode() in after
    assert not [each for each in told if each in after]
    assert PASSPHRASE not in repr(lines) + "".join(capfd.readouterr())
    assert not [path for path in files.iterdir() if words in path.read_bytes()]


def test_whoever_asked_and_who_leads_cannot_read_it_back(world: World, files: Path) -> None:
    asked = ask(world)
    for role in ("teacher", "leader"):
        with transaction(world.sign_in(role)) as tx:
            assert tx.scalars(select(Export.id).where(Export.public_id == asked)).one()
        with pytest.raises(DBAPIError, match="permission denied"), transaction(world.sign_in(role)) as tx:
            tx.scalars(select(Export.passphrase)).all()


@pytest.mark.parametrize("ends", ["given up", "failed", "stuck", "erased", "lost"])
def test_whatever_ends_it_takes_the_passphrase(
    runtime: Runtime,
    world: World,
    files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ends: str,
) -> None:
    with transaction(SYSTEM) as tx:
        child = add_child(tx, world.own_class, "Ephemera")
    asked = ask(world)
    made = eraser_of(runtime, Purpose("test-exports"))
    eraser = Eraser(made.who, made.tables, made.installed, LedgerFile(tmp_path), made.backups_kept)

    def erase() -> None:
        erasing.erase(
            eraser=eraser, subject=Subject.STUDENT, public_id=child.public_id, asked_as=AskedAs.TEACHER
        )

    def broken(*_given: object, **_how: object) -> Manifest:
        if ends == "erased":
            erase()
        raise OSError("The disk is full.")

    monkeypatch.setattr(services, "write_archive", broken)
    if ends == "given up":
        services.cancel(principal=world.sign_in("teacher"), export=asked)
    elif ends == "stuck":
        change(asked, state=ExportState.MAKING, started_at=row_of(asked).asked_at - services.GIVEN_UP)
        services.destroy(principal=WORKER, folder=files)
    elif ends == "lost":
        with transaction(SYSTEM) as tx:
            one = tx.get_one(Account, world.people["teacher"].id)
            status, one.status = one.status, "deactivated"
        assert work(asked, files) is ExportState.FAILED
        with transaction(SYSTEM) as tx:
            tx.get_one(Account, world.people["teacher"].id).status = status
    else:
        with pytest.raises(OSError, match="full"):
            services.make(principal=WORKER, number=row_of(asked).id, folder=files, last=ends == "failed")
    assert not ExportState(row_of(asked).state).is_under_way
    assert kept(asked) is None
    if ends != "erased":
        erase()


def test_killed_in_the_middle_it_is_locked_all_the_same(world: World, files: Path) -> None:
    asked = ask(world)
    change(asked, state=ExportState.MAKING, file="x" * 16, started_at=row_of(asked).asked_at)
    assert work(asked, files) is ExportState.READY
    assert row_of(asked).locked


@pytest.mark.parametrize(
    ("passphrase", "again", "said"),
    [
        ("too short", "too short", "at least 12 characters"),
        ("passwordpassword", "passwordpassword", "Guessers try this one early"),
        (PASSPHRASE, "", "Type the same passphrase twice"),
        ("", PASSPHRASE, "Type the same passphrase twice"),
        ("x" * 129, "x" * 129, "128 characters"),
    ],
)
def test_a_passphrase_that_would_not_do(
    app: Flask, world: World, files: Path, passphrase: str, again: str, said: str
) -> None:
    browser = signed_in(app, world, "teacher")
    for address, of in (
        (CONSOLE, {"classroom": world.own_class.public_id}),
        (OWN, {"what": world.people["teacher"].public_id}),
    ):
        token = form_token(browser.get(address).text)
        typed = {"csrf_token": token, "passphrase": passphrase, "again": again, **of}
        answer = browser.post(address, data=typed)
        assert answer.status_code == 422
        assert said in answer.text
        if passphrase:
            assert passphrase not in answer.text
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count()).select_from(Export)) == 0


def test_the_own_address_is_no_passphrase(world: World, files: Path) -> None:
    with transaction(SYSTEM) as tx:
        email = tx.get_one(Account, world.people["teacher"].id).email
    with pytest.raises(Rejected) as rejected:
        ask(world, passphrase=email)
    assert list(rejected.value.fields) == ["passphrase"]


def test_a_locked_one_goes_on_where_it_broke_off(world: World, files: Path) -> None:
    asked = ask(world)
    work(asked, files)
    part = services.look(
        principal=world.sign_in("teacher"),
        export=asked,
        link=services.link_of(row_of(asked)),
        wanted=Wanted(5, 9, whole=False),
        folder=files,
    )
    assert (part.start, part.stop, part.locked) == (5, 9, True)


def created(run: Run, world: World, to: Path, passphrase: Path | str) -> Answer:
    of = ("--classroom", world.own_class.public_id, "--to", str(to))
    return run("exports", "create", *of, "--passphrase-file", str(passphrase))


def test_by_command_a_passphrase_comes_from_a_file(run: Run, world: World, tmp_path: Path) -> None:
    to, file = tmp_path / "class.zip.age", tmp_path / "passphrase"
    file.write_text(f"{PASSPHRASE}\r\n", encoding="utf-8")
    done = created(run, world, to, file)
    assert done.code == 0, done
    assert PASSPHRASE not in done.out + done.err
    assert "age --decrypt" in done.out
    assert to.stat().st_mode & 0o077 == 0
    opened = pyrage.passphrase.decrypt(to.read_bytes(), PASSPHRASE)
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(opened)).namelist()


def test_by_command_a_passphrase_comes_from_standard_input(
    run: Run, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = tmp_path / "class.zip.age"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(PASSPHRASE.encode()), encoding="utf-8"))
    assert created(run, world, to, "-").code == 0
    assert pyrage.passphrase.decrypt(to.read_bytes(), PASSPHRASE)


def test_by_command_a_passphrase_is_asked_for_twice_and_unseen(
    run: Run, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    asked: list[str] = []

    def unseen(prompt: str, **_how: object) -> str:
        asked.append(prompt)
        return PASSPHRASE

    to = tmp_path / "class.zip.age"
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("click.termui.hidden_prompt_func", unseen)
    done = created(run, world, to, "-")
    assert done.code == 0, done
    assert len(asked) == 2
    assert PASSPHRASE not in done.out + done.err
    assert pyrage.passphrase.decrypt(to.read_bytes(), PASSPHRASE)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "There is none"),
        (b"one line of it\nand another one\n", "or there are several"),
        (b"\xff\xfe\x00", "it is no text"),
        (b"too short\n", "at least 12 characters"),
        (b"passwordpassword\n", "Guessers try this one early"),
        (b"x" * 129, "at most 128 characters"),
    ],
)
def test_by_command_a_passphrase_that_would_not_do(
    run: Run, world: World, tmp_path: Path, content: bytes, said: str
) -> None:
    to, file = tmp_path / "class.zip.age", tmp_path / "passphrase"
    file.write_bytes(content)
    done = created(run, world, to, file)
    assert done.code == 2
    assert said in done.err
    assert not to.exists()
    if len(content) > 3:
        assert content.decode().strip() not in done.out + done.err
