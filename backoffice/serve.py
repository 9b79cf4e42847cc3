"""One process that runs the others, and what the web's process needs to begin.

The supervisor decides the order of stopping, so a terminal's Ctrl-C reaches it alone: every child
leads a session of its own.
"""

import ctypes
import errno
import gc
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_SAY = partial(print, flush=True)
# Things that are made, and still there, before the collector looks through the newest.
_LOOKED_THROUGH = 20_000
_TICK = 0.05  # seconds between two looks at the children
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class ProcessSpec:
    """A child to run. `env` is its whole environment; None hands on the supervisor's own.

    With `user` (name or number) it runs as that user, with no other groups than `group`. `delay` are the
    seconds that its first start waits, so that others come first.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    user: str | int | None = None
    group: str | int | None = None
    delay: float = 0.0


class Supervisor:
    """Runs children until told to stop; a child that ends is started again, ever later.

    A child that ends `crashes` times within `window` seconds stops everything. SIGTERM, SIGINT and
    SIGHUP end the children by SIGTERM; after `grace` seconds, or at a second signal, they are
    killed. `on_stop` is called last, in order. `ready` is asked again and again until it is true;
    it must answer quickly. `say` gets one sentence at a time.
    """

    def __init__(
        self,
        processes: Sequence[ProcessSpec],
        *,
        grace: float = 30,
        crashes: int = 5,
        window: float = 60,
        backoff: float = 0.5,
        ready: Callable[[], bool] | None = None,
        on_stop: Sequence[Callable[[], object]] = (),
        say: Callable[[str], object] = _SAY,
    ) -> None:
        self._specs = {spec.name: spec for spec in processes}
        self._grace, self._backoff, self._window = grace, backoff, window
        self._ready, self._on_stop, self._say = ready, on_stop, say
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        begun = time.monotonic()
        # When to start what does not run.
        self._due = {name: begun + spec.delay for name, spec in self._specs.items()}
        self._ends: dict[str, deque[float]] = {name: deque(maxlen=crashes) for name in self._specs}
        self._signals = 0

    def run(self) -> int:
        """Run until stopped; return 0 if that was asked for, 1 if a child could not be kept up."""
        with ExitStack() as last:  # undone from the bottom up, whatever fails
            for number in STOP_SIGNALS:
                if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
                    last.callback(signal.signal, number, signal.signal(number, self._note))
            for call in reversed(self._on_stop):
                last.callback(call)
            last.callback(self._stop_children)
            return self._supervise()

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _supervise(self) -> int:
        ready = self._ready
        while not self._signals:
            for name in self._specs:
                if not self._keep_up(name):
                    return 1
            if ready and ready():
                ready = None
            time.sleep(_TICK)
        return 0

    def _keep_up(self, name: str) -> bool:
        """Start `name` when it is due; false when it has ended too often."""
        now = time.monotonic()
        child = self._running.get(name)
        if child is None:
            if now < self._due[name]:
                return True
            try:
                self._running[name] = _start(self._specs[name])
            except OSError as error:
                self._say(f"{name} cannot be started: {error.strerror or error}. Stopping.")
                return False
            return True
        if (code := child.poll()) is None:
            return True
        del self._running[name]
        _signal_group(child, signal.SIGKILL)  # what it has left behind
        ends = self._ends[name]
        ends.append(now)
        if len(ends) == ends.maxlen and now - ends[0] <= self._window:
            self._say(
                f"{name} ended {len(ends)} times within {now - ends[0]:.0f} s"
                f" ({_reason(code)}); its own messages are above. Stopping."
            )
            return False
        recent = sum(1 for end in ends if now - end <= self._window)
        wait = self._backoff * 2 ** (recent - 1)
        self._due[name] = now + wait
        self._say(f"{name} ended ({_reason(code)}) and is started again in {wait:g} s.")
        return True

    def _stop_children(self) -> None:
        """Ask all to end, wait, then kill those that did not."""
        asked = self._signals
        for child in self._running.values():
            child.terminate()
        deadline = time.monotonic() + self._grace
        while any(child.poll() is None for child in self._running.values()):
            if self._signals > max(asked, 1) or time.monotonic() > deadline:
                break
            time.sleep(_TICK)
        for name, child in self._running.items():
            if child.poll() is None:
                self._say(f"{name} did not end by itself and is killed.")
            _signal_group(child, signal.SIGKILL)
            child.wait()
        self._running.clear()


def _start(spec: ProcessSpec) -> subprocess.Popen[bytes]:
    parent = os.getpid()

    def die_with_parent() -> None:
        # SIGTERM, so that a web server can take its own workers with it.
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

    return subprocess.Popen(
        list(spec.argv),
        env=spec.env,
        user=spec.user,
        group=spec.group,
        extra_groups=None if spec.user is None else [],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509  the supervisor has one thread
    )


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # everybody in it has ended
        os.killpg(child.pid, number)


def _reason(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


# -- the web


class PortError(Exception):
    """A port cannot be listened on; the text says why and what to do."""


def loopbacks() -> list[str]:
    """The loopback addresses of this machine: `localhost` in a browser may be either."""
    found = ["127.0.0.1"]
    if socket.has_ipv6:
        try:
            with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
                probe.bind(("::1", 0))
            found.append("::1")
        except OSError:
            pass  # IPv6 is compiled in and switched off
    return found


def require_free_port(host: str, port: int) -> None:
    """Raise `PortError` unless `port` can be listened on at `host`.

    `localhost` means every loopback address.
    """
    for address in loopbacks() if host == "localhost" else [host]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # Connections that linger after their server has gone do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
                probe.listen(1)
            except OverflowError:
                text = f"{port} is no port. Choose one from 1024 to 65535: PORT=8001 make demo"
                raise PortError(text) from None
            except OSError as error:
                raise PortError(_port_trouble(address, port, error)) from None


def _port_trouble(address: str, port: int, error: OSError) -> str:
    other = f"PORT={port + 1 if port in range(1024, 65535) else 8001} make demo"
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken. Stop what uses it or choose another: {other}"
    if error.errno == errno.EACCES:
        return f"Port {port} is for root only. Choose another: {other}"
    return f"Port {port} of {address} cannot be used ({error.strerror}). Choose another: {other}"


def settle() -> None:
    """Tell the collector that what a process has made by now stays, and to look seldom through what comes.

    All that was imported is a quarter of a million things, and each hundredth page or so waited for it. What
    a page or a thousand rows are made of goes by itself: there is little for the collector, which looks some
    ten times a page unless it is told otherwise.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_LOOKED_THROUGH, 20, 20)


def web_command(
    port: int,
    *,
    host: str = "localhost",
    workers: int = 2,
    threads: int = 8,
    graceful_timeout: int = 25,
    timeout: int = 60,
    app: str = "wsgi:app",
) -> list[str]:
    """The command of the web server; `localhost` listens on every loopback address.

    `graceful_timeout` are the seconds requests in flight get; keep it below the supervisor's grace.
    """
    binds = []
    for address in loopbacks() if host == "localhost" else [host]:
        binds += ["--bind", f"[{address}]:{port}" if ":" in address else f"{address}:{port}"]
    return [
        sys.executable, "-m", "gunicorn",
        "--no-control-socket",  # else it opens one in the home folder
        "--worker-class", "backoffice.web.paced.PacedWorker",
        "--workers", str(workers),
        "--threads", str(threads),
        "--timeout", str(timeout),
        "--keep-alive", "5",
        "--graceful-timeout", str(graceful_timeout),
        "--forwarded-allow-ips", "",  # the application counts its proxies itself
        "--forwarder-headers", "",
        "--log-level", "warning",
        "--logger-class", "backoffice.web.server_log.ServerLog",
        "--pythonpath", str(Path(__file__).resolve().parents[1]),
        *binds,
        app,
    ]  # fmt: skip
