"""A notice to very many people: how quick it is, and that nobody is missed whatever is killed meanwhile.

`FAULT_PEOPLE` says how many there are (100000), `FAULT_SEED` repeats a run's choices. They work at schools of
districts, 250 at each, as far as there are enough of them.
"""

import os
import random
import signal
import smtplib
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Self

import pytest
from sqlalchemy import func, insert, select, text

from backoffice import clock, launch
from backoffice.access.transaction import transaction
from backoffice.accounts.addresses import email_index
from backoffice.accounts.models import Account
from backoffice.outbox.message import envelope
from backoffice.outbox.models import MailContent, MailState, OutgoingMail
from backoffice.runtime import Runtime
from backoffice.schools.models import District, Membership, Role, School
from backoffice.storage import embedded
from backoffice.storage.public_id import new_public_id
from backoffice.storage.roles import DatabaseRole
from plugins.notifications.models import ConcernedSchool, Incident
from plugins.notifications.notices import sending
from plugins.notifications.notices.models import Audience, DeliveryState, Notice, NoticeDelivery, NoticeState
from tests.factories.ports import free_port
from tests.factories.world import PASSWORD, SYSTEM, World, add_app, make_world
from tests.keys.load import Browser, Load, webs
from tests.plugins.notifications.notices.conftest import WORKER, Founders, let_out, opened, proven

PEOPLE = int(os.environ.get("FAULT_PEOPLE", "100000"))
SEED = int(os.environ.get("FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
AT_A_SCHOOL, IN_A_DISTRICT = 250, 13
AT_ONCE, FLOOR = 5_000, 2_000
WORKERS = ("worker-1", "worker-2", "worker-3")
SENDER = "Help <help@company.example>"
PAGES = ("/console/", "/console/students/", "/console/classrooms/")
SETTLING = 1_200  # seconds without any new mail after which we give up waiting
# Takes a mail and notes when and which, in the kernel's hands before it answers.
SINK = """
import os, sys, time
from aiosmtpd.controller import Controller
file = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
class Takes:
    async def handle_DATA(self, server, session, envelope):
        name = envelope.content.partition(b"Message-ID: <")[2].partition(b"@")[0]
        os.write(file, b"%f %s\\n" % (time.time(), name))
        return "250 OK"
controller = Controller(Takes(), hostname="127.0.0.1", port=int(sys.argv[1]))
controller.start()
print("ready", flush=True)
sys.stdin.read()
"""


@dataclass
class Sink:
    """A mail server in a process of its own, which can be killed and comes back at the same port."""

    took: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Listen."""
        command = [sys.executable, "-c", SINK, str(self.port), str(self.took)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        """End without a word."""
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    def mails(self) -> list[tuple[float, str]]:
        """When each mail came, and its public identifier."""
        lines = self.took.read_text().splitlines() if self.took.exists() else []
        return [(float(at), name) for at, _, name in (line.partition(" ") for line in lines) if name]


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[Sink]:
    """A sink that listens."""
    made = Sink(tmp_path / "took")
    made.start()
    yield made
    made.kill()


@dataclass
class Crew:
    """The background processes, each started again when it is killed."""

    environment: dict[str, str]
    log: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start one that is called by what it is and a number."""
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "backoffice", name.partition("-")[0]]
            self.running[name] = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """End one without a word."""
        child = self.running.pop(name)
        child.kill()
        child.wait()


@contextmanager
def at_work(durable: Runtime, mail_server: Sink, log: Path, *names: str) -> Iterator[Crew]:
    """Background processes that send to the sink."""
    told = {"BACKOFFICE_SMTP_URL": f"smtp://127.0.0.1:{mail_server.port}", "BACKOFFICE_MAIL_FROM": SENDER}
    crew = Crew({**launch._background_environment(durable), **told}, log)
    for name in names:
        crew.start(name)
    try:
        yield crew
    finally:
        for name in list(crew.running):
            crew.kill(name)


@pytest.fixture
def world(durable: Runtime) -> World:
    """A world with very many people, at schools of many districts."""
    made = make_world()
    schools = max(PEOPLE // AT_A_SCHOOL, 1)
    with transaction(SYSTEM) as tx:
        districts = tx.take_ids(District, -(-schools // IN_A_DISTRICT))
        numbers = tx.take_ids(School, schools)
        place = {"country": "US", "state": "CA", "time_zone": "America/Los_Angeles", "language": "en"}
        rows = [
            {"id": each, "public_id": new_public_id(), "name": f"District {each}", "created_at": clock.now()}
            for each in districts
        ]
        tx.execute(insert(District), [{**row, **place} for row in rows])
        tx.execute(
            insert(School),
            [
                {
                    **place,
                    "id": each,
                    "public_id": new_public_id(),
                    "district_id": districts[number // IN_A_DISTRICT],
                    "kind": "school",
                    "name": f"School {each}",
                    "school_days": [],
                    "factor_required": False,
                    "security_contact": f"security@school{each}.example",
                    "created_at": clock.now(),
                }
                for number, each in enumerate(numbers)
            ],
        )
    for start in range(0, PEOPLE, AT_ONCE):
        _people(numbers, range(start, min(start + AT_ONCE, PEOPLE)))
    with durable.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.execute(text("analyze"))
    return made


def _people(schools: Sequence[int], numbers: range) -> None:
    with transaction(SYSTEM) as tx:
        ids = tx.take_ids(Account, len(numbers))
        accounts, places = [], []
        for each, number in zip(ids, numbers, strict=True):
            email = f"person{number}@domain{number % 997}.example"
            accounts.append(
                {
                    "id": each,
                    "public_id": new_public_id(),
                    "email": email,
                    "email_index": email_index(email),
                    "name": f"Person {number}",
                    "founder": False,
                    "status": "active",
                    "language": "es" if number % 4 == 0 else "en",
                    "time_zone": "America/Los_Angeles",
                    "security_epoch": 0,
                    "created_at": clock.now(),
                }
            )
            school = schools[number // AT_A_SCHOOL % len(schools)]
            places.append(
                {"account_id": each, "school_id": school, "role": Role.TEACHER, "created_at": clock.now()}
            )
        tx.execute(insert(Account), accounts)
        tx.execute(insert(Membership), places)


@pytest.fixture
def founders(durable: Runtime, world: World) -> Founders:
    """Two of them."""
    second = world.people["outsider"]
    with durable.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.execute(text("truncate app.mail cascade"))
        connection.execute(text("update app.account set founder = true where id = :id"), {"id": second.id})
    second.secret = None
    add_app(second)
    return proven(world, "founder"), proven(world, "outsider")


@pytest.fixture
def incident(world: World, founders: Founders) -> str:
    """One that concerns every school of the many."""
    made = opened(world, founders[0])
    with transaction(SYSTEM) as tx:
        number = tx.scalars(select(Incident.id).where(Incident.public_id == made)).one()
        schools = tx.scalars(
            select(School.id).where(School.id != world.home.id, School.district_id.is_not(None))
        )
        of_it = {"incident_id": number, "place": "US-CA", "time_zone": "America/Los_Angeles"}
        counts = {"students": 500, "staff": AT_A_SCHOOL, "parents": 0}
        tx.execute(
            insert(ConcernedSchool),
            [{**of_it, **counts, "school_id": each, "public_id": new_public_id()} for each in schools],
        )
    return made


class Visitor:
    """A teacher who opens pages all the time, and how long each took."""

    def __init__(self, world: World, address: str) -> None:
        self._over = Event()
        self.seconds: list[float] = []
        self.failed: list[str] = []
        self._browser = Browser(Load(world, [address]), random.Random(SEED))
        self._browser.send("/sign-in", {"email": world.people["teacher"].email, "password": PASSWORD})
        self._thread = Thread(target=self._visit, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_of: object) -> None:
        self._over.set()
        self._thread.join(60)

    def _visit(self) -> None:
        while not self._over.wait(0.2):
            for page in PAGES:
                began = time.perf_counter()
                try:
                    self._browser.get(page)
                except (AssertionError, OSError) as error:
                    self.failed.append(f"{type(error).__name__}: {error}")
                self.seconds.append(time.perf_counter() - began)

    @property
    def said(self) -> str:
        """Half and nearly all of them took no longer."""
        cuts = statistics.quantiles(self.seconds, n=20)
        return f"{len(self.seconds)} pages, half in {cuts[9] * 1000:.0f} ms, 95 % in {cuts[18] * 1000:.0f} ms"


def newest() -> bytes:
    """What the newest mail says."""
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(MailContent.message).order_by(MailContent.mail_id.desc()).limit(1)).one()


def bare(port: int, message: bytes) -> float:
    """Mails a second of smtplib alone: this mail, ready, to many, over one connection."""
    ready = [
        envelope(public_id=f"bare{number}", sender=SENDER, recipient=f"person{number}@people.example")
        for number in range(FLOOR)
    ]
    connection = smtplib.SMTP("127.0.0.1", port)
    began = time.perf_counter()
    for to, head in ready:
        connection.sendmail("help@company.example", [to], head + message)
    took = time.perf_counter() - began
    connection.quit()
    return FLOOR / took


def states() -> Counter[str]:
    """How many mails are how far."""
    with transaction(SYSTEM) as tx:
        rows = tx.execute(select(OutgoingMail.state, func.count()).group_by(OutgoingMail.state))
        return Counter({str(state): number for state, number in rows})


def waits(mail_server: Sink) -> None:
    """Until every mail is sent; not for ever if none is."""
    last, since = -1, time.monotonic()
    while set(states()) - {MailState.SENT}:
        came = len(mail_server.mails())
        if came != last:
            last, since = came, time.monotonic()
        assert time.monotonic() - since < SETTLING, f"No mail came for {SETTLING} s; {states()}"
        time.sleep(1)


def addressed(founders: Founders, incident: str) -> tuple[int, float]:
    """Let a notice out to the staff, and write it to all; how many, and in how many seconds."""
    began = time.perf_counter()
    let_out(founders, incident, Audience.STAFF)
    count = sending.send_notices(WORKER, progress=lambda _done: None)
    return count, time.perf_counter() - began


def test_everybody_is_told_quickly_and_pages_stay_usable(
    durable: Runtime, world: World, founders: Founders, incident: str, mail_server: Sink, tmp_path: Path
) -> None:
    count, seconds = addressed(founders, incident)
    assert count >= PEOPLE
    print(f"\n{count:,} people addressed in {seconds:.1f} s ({count / seconds:.0f} a second)", flush=True)
    message = newest()
    before = bare(mail_server.port, message)
    with webs(durable, 1, tmp_path) as (address,):
        with Visitor(world, address) as alone:
            time.sleep(15)
        with (
            Visitor(world, address) as visitor,
            at_work(durable, mail_server, tmp_path / "log", "worker-1", "scheduler-1"),
        ):
            waits(mail_server)
    after = bare(mail_server.port, message)
    mails = [(at, name) for at, name in mail_server.mails() if not name.startswith("bare")]
    span = mails[-1][0] - mails[0][0]
    rate, floor = len(mails) / span, (before + after) / 2
    print(f"{len(mails):,} mails in {span:.0f} s, {rate:.0f} a second; smtplib {before:.0f} and {after:.0f}")
    print(f"that is {rate / floor:.0%} of it (to reach: 80 %), with a visitor at work on the same machine")
    print(f"visitor alone: {alone.said}; meanwhile: {visitor.said}")
    assert not visitor.failed
    assert len({name for _at, name in mails}) == len(mails) == sum(states().values())


def test_nobody_is_missed_whoever_is_killed(
    durable: Runtime, founders: Founders, incident: str, mail_server: Sink, tmp_path: Path
) -> None:
    print(f"\nseed {SEED}, {PEOPLE:,} people", flush=True)
    chance = random.Random(SEED)
    let_out(founders, incident, Audience.STAFF)
    kills: Counter[str] = Counter()
    with at_work(durable, mail_server, tmp_path / "log", *WORKERS, "scheduler-1", "scheduler-2") as crew:
        once = {"mail server": PEOPLE // 3, "database": 2 * PEOPLE // 3}
        while (came := len(mail_server.mails())) < PEOPLE * 0.95:
            time.sleep(chance.uniform(1, 5))
            name = chance.choice(WORKERS)
            crew.kill(name)
            kills["worker"] += 1
            crew.start(name)
            for what in [what for what, number in once.items() if came > number]:
                del once[what]
                kills[what] += 1
                _kill(what, durable, mail_server)
            # Else nobody would ever come to work: starting takes some seconds.
            time.sleep(chance.uniform(8, 15))
        _told_all(mail_server)
    sending.settle(WORKER)
    names = Counter(name for _at, name in mail_server.mails())
    twice = {name for name, number in names.items() if number > 1}
    doubles = sum(names.values()) - len(names)
    with transaction(SYSTEM) as tx:
        written = set(tx.scalars(select(OutgoingMail.public_id)))
        doubted = set(tx.scalars(select(OutgoingMail.public_id).where(OutgoingMail.maybe_twice)))
        deliveries = Counter(
            tx.scalars(select(NoticeDelivery.state).where(NoticeDelivery.mail_id.is_not(None)))
        )
        of_notice = tx.scalar(select(func.count()).where(NoticeDelivery.maybe_twice))
    print(f"killed: {dict(kills)}; {len(names):,} mails, {doubles} came twice, {len(doubted)} may have")
    print(f"deliveries: {dict(deliveries)}, {of_notice} of them maybe twice", flush=True)
    assert set(names) == written
    assert set(deliveries) == {DeliveryState.SENT}
    assert deliveries[DeliveryState.SENT] >= PEOPLE
    assert doubles <= sum(kills.values())
    assert twice <= doubted


def _told_all(mail_server: Sink) -> None:
    """Wait until everybody was written to, and all that is sent."""
    while True:
        with transaction(SYSTEM) as tx:
            left = select(Notice.state).where(Notice.approved_at.is_not(None))
            if tx.scalars(left).one() == NoticeState.SENT:
                break
        time.sleep(1)
    waits(mail_server)


def _kill(what: str, durable: Runtime, mail_server: Sink) -> None:
    if what == "mail server":
        mail_server.kill()
        time.sleep(2)
        mail_server.start()
        return
    folder = durable.settings.data_dir / "postgres"
    postmaster = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGKILL)
    time.sleep(2)
    embedded.start(folder)
    durable.database.dispose()
