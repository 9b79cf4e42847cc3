"""The supervisor with real children, and the web server's command with a real gunicorn."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from backoffice import serve
from backoffice.serve import PortError, ProcessSpec, Supervisor
from tests.factories.ports import free_port

SLEEPER = "import time, pathlib, sys; pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEPER
# Takes its time to end, as a server with requests in flight does, and says that it was done.
GRACEFUL = """
import pathlib, signal, sys, time
def end(*_):
    time.sleep(0.3)
    pathlib.Path(sys.argv[1] + ".done").touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
pathlib.Path(sys.argv[1]).touch()
time.sleep(60)
"""


def child(name: str, code: str, *arguments: object) -> ProcessSpec:
    return ProcessSpec(name, [sys.executable, "-c", code, *map(str, arguments)])


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


def signals(*plan: tuple[Callable[[], bool], signal.Signals]) -> threading.Thread:
    """Send this process each signal once its condition holds."""

    def send() -> None:
        for condition, number in plan:
            try:
                wait_for(condition)
            finally:  # a test that fails must end all the same
                os.kill(os.getpid(), number)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


# -- stopping


@pytest.mark.parametrize("number", serve.STOP_SIGNALS)
def test_a_signal_ends_the_children_and_then_calls_back(tmp_path: Path, number: signal.Signals) -> None:
    up, done = tmp_path / "up", tmp_path / "up.done"
    calls: list[object] = []
    supervisor = Supervisor(
        [child("web", GRACEFUL, up)],
        on_stop=[lambda: calls.append(done.exists()), lambda: calls.append("second")],
    )
    before = signal.getsignal(number)
    sender = signals((up.exists, number))
    assert supervisor.run() == 0
    sender.join()
    assert calls == [True, "second"]
    assert signal.getsignal(number) is before


def test_a_child_that_does_not_end_is_killed_after_the_grace(tmp_path: Path) -> None:
    said: list[str] = []
    up = tmp_path / "up"
    sender = signals((up.exists, signal.SIGTERM))
    begin = time.monotonic()
    assert Supervisor([child("web", STUBBORN, up)], grace=0.3, say=said.append).run() == 0
    sender.join()
    assert time.monotonic() - begin < 5
    assert said == ["web did not end by itself and is killed."]


def test_a_second_ctrl_c_kills_at_once(tmp_path: Path) -> None:
    calls: list[str] = []
    up = tmp_path / "up"
    supervisor = Supervisor(
        [child("web", STUBBORN, up)], say=calls.append, on_stop=[lambda: calls.append("stopped")]
    )
    stopping = time.monotonic() + 0.4
    sender = signals((up.exists, signal.SIGINT), (lambda: time.monotonic() > stopping, signal.SIGINT))
    begin = time.monotonic()
    assert supervisor.run() == 0
    sender.join()
    assert time.monotonic() - begin < 5
    assert calls == ["web did not end by itself and is killed.", "stopped"]


def test_a_failing_callback_does_not_keep_the_next_from_its_work(tmp_path: Path) -> None:
    calls: list[str] = []
    sender = signals(((tmp_path / "up").exists, signal.SIGTERM))
    supervisor = Supervisor(
        [child("web", SLEEPER, tmp_path / "up")],
        on_stop=[lambda: 1 // 0, lambda: calls.append("stopped")],
    )
    with pytest.raises(ZeroDivisionError):
        supervisor.run()
    sender.join()
    assert calls == ["stopped"]


def test_the_terminal_does_not_reach_the_children(tmp_path: Path) -> None:
    code = "import os, sys, pathlib; pathlib.Path(sys.argv[1]).write_text(str(os.getsid(0)));"
    path = tmp_path / "session"
    sender = signals((lambda: path.exists() and bool(path.read_text()), signal.SIGTERM))
    Supervisor([child("web", code + "import time; time.sleep(60)", path)]).run()
    sender.join()
    assert int(path.read_text()) != os.getsid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children")
def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    code = (
        "import sys; from backoffice.serve import *;"
        "sleep = 'import os, pathlib, sys, time;"
        "pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(60)';"
        "Supervisor([ProcessSpec('a', [sys.executable, '-c', sleep, sys.argv[1]])]).run()"
    )
    pid_file = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", code, str(pid_file)]) as supervisor:
        wait_for(lambda: pid_file.exists() and bool(pid_file.read_text()))
        pid = int(pid_file.read_text())
        supervisor.kill()
    wait_for(lambda: not alive(pid))


# -- keeping up


def test_a_crashed_child_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    place = tmp_path / "place"
    code = 'mkdir "$0" && exit 3; touch "$0/again"; exec sleep 60'
    spec = ProcessSpec("worker", ["/bin/sh", "-c", code, str(place)])
    sender = signals(((place / "again").exists, signal.SIGTERM))
    assert Supervisor([spec], backoff=0.01, say=said.append).run() == 0
    sender.join()
    assert said == ["worker ended (exit code 3) and is started again in 0.01 s."]


def test_one_that_keeps_crashing_stops_everything(tmp_path: Path) -> None:
    said: list[str] = []
    specs = [child("web", GRACEFUL, tmp_path / "up"), child("worker", "raise SystemExit(3)")]
    supervisor = Supervisor(specs, backoff=0.02, say=said.append, on_stop=[lambda: said.append("")])
    assert supervisor.run() == 1
    assert [line.rpartition(" in ")[2] for line in said[:4]] == [
        "0.02 s.", "0.04 s.", "0.08 s.", "0.16 s.",
    ]  # fmt: skip
    assert said[4].startswith("worker ended 5 times within")
    assert said[5] == ""


def test_a_program_that_does_not_exist_is_one_sentence() -> None:
    said: list[str] = []
    assert Supervisor([ProcessSpec("web", ["/no/such/program"])], say=said.append).run() == 1
    assert said == ["web cannot be started: No such file or directory. Stopping."]


def test_environment_and_user_are_the_childs_own() -> None:
    root = os.geteuid() == 0
    with tempfile.NamedTemporaryFile("r") as said:  # nobody cannot enter tmp_path
        path = Path(said.name)
        path.chmod(0o666)
        spec = ProcessSpec(
            "web",
            ["/bin/sh", "-c", f"echo $GREETING $(id -u) $(id -G) >{path}; exec sleep 60"],
            env={"GREETING": "hello", "PATH": os.defpath},
            user="nobody" if root else None,
            group="nogroup" if root else None,
        )
        sender = signals((lambda: path.stat().st_size > 0, signal.SIGTERM))
        Supervisor([spec]).run()
        sender.join()
        greeting, user, *groups = said.read().split()
    assert greeting == "hello"
    assert user == ("65534" if root else str(os.getuid()))
    assert groups == ["65534"] or not root


def test_ready_is_asked_until_it_is_true(tmp_path: Path) -> None:
    up = tmp_path / "up"
    asked: list[bool] = []

    def ready() -> bool:
        asked.append(up.exists())
        return asked[-1]

    sender = signals((lambda: asked[-1:] == [True], signal.SIGTERM))
    Supervisor([child("web", SLEEPER, up)], ready=ready).run()
    sender.join()
    assert asked.count(True) == 1
    assert asked[-1]


# -- the web


def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"Port {port} is taken") as caught:
            serve.require_free_port("localhost", port)
        assert f"PORT={port + 1} make demo" in str(caught.value)
    serve.require_free_port("localhost", port)


@pytest.mark.skipif("::1" not in serve.loopbacks(), reason="no IPv6 here")
def test_a_port_taken_on_the_other_loopback_counts() -> None:
    with (
        socket.create_server(("::1", 0), family=socket.AF_INET6) as taken,
        pytest.raises(PortError, match="is taken"),
    ):
        serve.require_free_port("localhost", taken.getsockname()[1])


def test_what_is_no_port() -> None:
    with pytest.raises(PortError, match="70000 is no port"):
        serve.require_free_port("localhost", 70000)


APP = """
import time
def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        open("asked", "w").close()
        time.sleep(0.7)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["wsgi.url_scheme"].encode() + environ["SCRIPT_NAME"].encode()]
"""


def fetch(address: str, port: int, path: str = "/") -> bytes:
    headers = {"X-Forwarded-Proto": "https", "Script-Name": "/elsewhere", "Script_Name": "/x"}
    request = urllib.request.Request(f"http://{address}:{port}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return bytes(answer.read())


def test_the_web_finishes_what_it_has_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "probe_app.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    port = free_port()
    answers: list[Sequence[bytes]] = []

    def answering() -> bool:
        try:
            answers.append([fetch(a, port) for a in ("127.0.0.1", "localhost")])
        except OSError:
            return False
        return True

    def slow() -> None:
        wait_for(lambda: bool(answers))
        answers.append([fetch("127.0.0.1", port, "/slow")])

    client = threading.Thread(target=slow)
    client.start()
    command = serve.web_command(port, workers=1, app="probe_app:app")
    sender = signals(((tmp_path / "asked").exists, signal.SIGTERM))
    assert Supervisor([ProcessSpec("web", command)], ready=answering).run() == 0
    sender.join()
    client.join()
    # Nobody in front is believed: neither the scheme nor the script name of the headers.
    assert answers == [[b"http", b"http"], [b"http"]]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "__pycache__") == [
        "asked",
        "probe_app.py",
    ]
    serve.require_free_port("localhost", port)
