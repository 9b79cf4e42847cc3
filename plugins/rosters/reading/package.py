"""A set of files as somebody sends it: a folder, or a zip on disk or in memory. Nothing in it is believed.

Only names at the root count, and only known files are ever opened. A refusal is a sentence that quotes
neither a name nor a value of the set.
"""

import io
import os
import re
import stat
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from backoffice.imports.archives import DAMAGE, METHODS, STEP
from backoffice.language.texts import lazy
from plugins.rosters.reading.report import Report

# What the report calls the set as a whole, where a problem belongs to none of its files.
PACKAGE = "package"
_PIECE = 1 << 20
_ENTRY = b"PK\x01\x02"
# Bits of a zip's entry: encrypted, strongly encrypted, central directory encrypted.
_ENCRYPTED = 0x1 | 0x40 | 0x2000
# What Finder and Explorer put beside the files by themselves.
_LITTER = re.compile(r"(__MACOSX/.*|(.*/)?(\._[^/]*|\.DS_Store|Thumbs\.db|desktop\.ini))\Z")
# Below this size a file may be packed as tightly as it likes: a column of empty cells is.
_ALWAYS_FINE = 1 << 20


class PackageRefused(Exception):
    """The set, or a file of it, is not read; `sentence` says why, `remedy` what to do."""

    def __init__(self, sentence: str, remedy: str) -> None:
        super().__init__(f"{sentence} {remedy}")
        self.sentence = sentence
        self.remedy = remedy


@dataclass(frozen=True)
class Limits:
    """How much is read at most, counted in bytes that really come out, not in what a header says."""

    members: int = 64
    member_bytes: int = 2 << 30
    total_bytes: int = 4 << 30
    # A file of names and numbers packs 5 to 20 times.
    ratio: int = 200
    # Of one file, those of nothing but commas among them.
    empty_lines: int = 100_000


# What somebody sends through the web is read while others wait for their pages.
UPLOADED = Limits(member_bytes=256 << 20, total_bytes=512 << 20)
# What we have reduced ourselves is believed: nothing of it may be refused that was taken.
REDUCED = Limits(ratio=1 << 30, empty_lines=1 << 60)
DAMAGED = (lazy("The zip is damaged."), lazy("Make it anew and send it again."))
NESTED = (
    lazy("There are folders in the set."),
    lazy("Put all files at the root: zip the files, not the folder."),
)
TOO_LARGE = (lazy("The set is too large."), lazy("Split it by school, or ask us to take it on the server."))
_LINKED = (lazy("The set contains links or devices."), lazy("Send the files themselves."))


class _Source(Protocol):
    """Where members come from: names and bytes. `taken` is how many bytes, as packed, have been read."""

    @property
    def names(self) -> Iterable[str]: ...

    @property
    def taken(self) -> int: ...

    @property
    def packed(self) -> bool: ...

    def stream(self, name: str) -> BinaryIO: ...

    def close(self) -> None: ...


class Package(AbstractContextManager["Package"]):
    """An opened set. `names` are the files at its root, each there once."""

    def __init__(self, source: _Source, limits: Limits) -> None:
        self.limits = limits
        self._source = source
        self._read: Counter[str] = Counter()
        self.names = frozenset(source.names)

    def open(self, name: str) -> io.BufferedReader:
        """A file's bytes, as a stream that ends in `PackageRefused` where it is damaged or too large.

        Raises `PackageRefused`. A file can be opened again and again.
        """
        try:
            stream = self._source.stream(name)
        except DAMAGE:
            raise PackageRefused(*DAMAGED) from None
        return io.BufferedReader(_Bounded(stream, self._read, name, self._bound(name)), _PIECE)

    def close(self) -> None:
        """Let go of the folder or zip."""
        self._source.close()

    def __exit__(self, *_failure: object) -> None:
        self.close()

    def _bound(self, name: str) -> Callable[[], int]:
        """How many bytes may have come out, judged anew as they come."""
        source, limits = self._source, self.limits
        others = sum(count for other, count in self._read.items() if other != name)
        most = min(limits.member_bytes, limits.total_bytes - others)
        if not source.packed:
            return lambda: most
        # What a header says of a member's size can be anything.
        begun = source.taken
        return lambda: min(most, max(_ALWAYS_FINE, (source.taken - begun) * limits.ratio))


def open_package(source: Path | bytes | BinaryIO, report: Report, *, limits: Limits | None = None) -> Package:
    """Open a folder, the path of a zip, or a zip in memory. Raises `PackageRefused`, and nothing else.

    What is odd but harmless is noted in the report.
    """
    limits = limits or Limits()
    if isinstance(source, Path) and source.is_dir():
        return Package(_Folder(source, limits, report), limits)
    try:
        file: BinaryIO
        if isinstance(source, Path):
            file = source.open("rb")
        else:
            file = io.BytesIO(source) if isinstance(source, bytes) else source
    except OSError:
        raise PackageRefused(
            lazy("There is no such folder or zip, or it cannot be read."),
            lazy("Look at the path and its rights."),
        ) from None
    try:
        return Package(_Zip(file, limits, report), limits)
    except BaseException:
        file.close()
        raise


class _Bounded(io.RawIOBase):
    """A member's bytes, counted as they come out."""

    def __init__(self, stream: BinaryIO, read: Counter[str], name: str, most: Callable[[], int]) -> None:
        super().__init__()
        self._stream = stream
        self._read = read
        self._name = name
        self._most = most
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        try:
            piece = self._stream.read(min(len(view), STEP))
        except DAMAGE:
            raise PackageRefused(*DAMAGED) from None
        self._count += len(piece)
        self._read[self._name] = max(self._read[self._name], self._count)
        if self._count > self._most():
            raise PackageRefused(*TOO_LARGE)
        view[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Counted:
    """A file that counts what is read of it."""

    def __init__(self, file: BinaryIO) -> None:
        self.taken = 0
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable
        self.close = file.close
        self._file = file

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self.taken += len(piece)
        return piece


class _Folder:
    packed = False
    taken = 0

    def __init__(self, path: Path, limits: Limits, report: Report) -> None:
        try:
            entries = self._entries(path, limits)
            if len(entries) == 1 and entries[0].is_dir(follow_symlinks=False):
                _wrapped(report)
                path = Path(entries[0].path)
                entries = self._entries(path, limits)
            for entry in entries:
                mode = entry.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    raise PackageRefused(*NESTED)
                if not stat.S_ISREG(mode):
                    raise PackageRefused(*_LINKED)
            self._path = path
            self.names = [entry.name for entry in entries]
            size = sum(entry.stat(follow_symlinks=False).st_size for entry in entries)
        except OSError:
            raise PackageRefused(lazy("The folder cannot be read."), lazy("Look at its rights.")) from None
        if size > limits.total_bytes:
            raise PackageRefused(*TOO_LARGE)

    @staticmethod
    def _entries(path: Path, limits: Limits) -> list[os.DirEntry[str]]:
        found = []
        with os.scandir(path) as entries:
            for entry in entries:
                if _LITTER.match(entry.name):
                    continue
                found.append(entry)
                if len(found) > limits.members:
                    raise _too_many(limits)
        return found

    def stream(self, name: str) -> BinaryIO:
        # The file that was looked at could have become a link or a pipe meanwhile.
        descriptor = os.open(self._path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        return os.fdopen(descriptor, "rb", buffering=0)

    def close(self) -> None:
        pass


class _Zip:
    packed = True

    def __init__(self, file: BinaryIO, limits: Limits, report: Report) -> None:
        try:
            if _entries(file) > limits.members:
                raise _too_many(limits)
            self._file = _Counted(file)
            self._zip = zipfile.ZipFile(cast("BinaryIO", self._file))
        except DAMAGE:
            raise PackageRefused(
                lazy("This is no zip, or a damaged one."), lazy("Zip the CSV files together and send that.")
            ) from None
        infos = [info for info in self._zip.infolist() if not _LITTER.match(info.orig_filename)]
        _refuse_strange(infos)
        files = [info for info in infos if not info.is_dir()]
        if not files:
            raise PackageRefused(lazy("The zip is empty."), lazy("Zip the CSV files together and send that."))
        self._infos = _at_root(files, report)
        # What a header says is believed only where it speaks against the file.
        if sum(info.file_size for info in files) > limits.total_bytes:
            raise PackageRefused(*TOO_LARGE)
        self.names = self._infos.keys()

    @property
    def taken(self) -> int:
        return self._file.taken

    def stream(self, name: str) -> BinaryIO:
        return cast("BinaryIO", self._zip.open(self._infos[name]))

    def close(self) -> None:
        self._zip.close()
        self._file.close()


def _entries(file: BinaryIO) -> int:
    """At most so many members a zip has. zipfile would make an object of each before one can count them."""
    file.seek(0)
    count, rest = 0, b""
    while piece := file.read(_PIECE):
        count += (rest + piece).count(_ENTRY)
        # Three bytes of four can lie at the end; four would be counted twice.
        rest = (rest + piece)[1 - len(_ENTRY) :]
    file.seek(0)
    return count


def _refuse_strange(infos: Iterable[zipfile.ZipInfo]) -> None:
    for info in infos:
        name = info.orig_filename
        parts = name.rstrip("/").split("/")
        if name.startswith("/") or {"", ".", ".."} & set(parts) or re.search(r"[\\:\x00-\x1f\x7f]", name):
            raise PackageRefused(
                lazy("A name in the zip leads out of it."), lazy("Zip the files themselves, without paths.")
            )
        mode = info.external_attr >> 16
        if stat.S_IFMT(mode) and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise PackageRefused(*_LINKED)
        if info.flag_bits & _ENCRYPTED:
            raise PackageRefused(lazy("The zip is encrypted."), lazy("Send it without a password."))
        if info.compress_type not in METHODS:
            raise PackageRefused(
                lazy("The zip is packed by a method that we do not read."),
                lazy("Pack it with the usual one (deflate)."),
            )


def _at_root(files: list[zipfile.ZipInfo], report: Report) -> dict[str, zipfile.ZipInfo]:
    folders = {info.filename.rpartition("/")[0] for info in files}
    (folder, *others) = sorted(folders)
    if others or "/" in folder:
        raise PackageRefused(*NESTED)
    if folder:
        _wrapped(report)
    named = {info.filename.rpartition("/")[2]: info for info in files}
    if len(named) < len(files):
        raise PackageRefused(lazy("Two files of the zip have the same name."), lazy("Send each file once."))
    return named


def _wrapped(report: Report) -> None:
    report.warn(
        PACKAGE,
        lazy("The files lie in a folder."),
        lazy("Put them at the root: zip the files, not the folder."),
    )


def _too_many(limits: Limits) -> PackageRefused:
    return PackageRefused(f"The set has more than {limits.members} files.", lazy("Send the CSV files only."))
