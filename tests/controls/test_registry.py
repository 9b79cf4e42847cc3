"""The policy's text and the promises that keep it."""

import hashlib
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from backoffice.controls import core, registry
from backoffice.controls.registry import RegistryError
from backoffice.settings import CONFIG

# The published text. It changes only when the policy is published anew.
PUBLISHED = "1f37743157504ab2156c75e5f7a81e8192878a725fc3539432dee8344a90e44b"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name in ("policy.toml", "controls.toml"):
        shutil.copy(CONFIG / name, tmp_path)
    return tmp_path


def edit(file: Path, old: str, new: str) -> None:
    content = file.read_text("utf-8")
    assert old in content
    file.write_text(content.replace(old, new, 1), "utf-8")


def test_the_policy_is_word_for_word_the_published_one() -> None:
    text = registry.load().policy.text()
    assert hashlib.sha256(text.encode()).hexdigest() == PUBLISHED


def test_every_sentence_is_kept_or_says_why_not() -> None:
    loaded = registry.load()
    for block in loaded.policy.blocks:
        for sentence in block.sentences:
            assert bool(loaded.keepers(sentence)) != (sentence in loaded.no_promise)


def test_there_are_54_promises_and_every_check_has_one() -> None:
    loaded = registry.load(checked=[check.control for check in core.CHECKS])
    assert len(loaded.controls) == 54
    assert loaded.control("backups").every == timedelta(hours=1)


def test_limits_carry_the_times_that_checks_compare_with() -> None:
    limit = registry.load().control("student-jwt")
    assert limit.times == (timedelta(minutes=20), timedelta(hours=8))


def test_every_problem_is_told_at_once(files: Path) -> None:
    controls, policy = files / "controls.toml", files / "policy.toml"
    edit(controls, '"code-and-pin", "classroom-codes"', '"code-and-pin", "no-such"')
    edit(controls, 'id = "student-pin"', 'id = "code-sign-in"')
    edit(controls, "important =", "unimportant =")
    edit(controls, "make-sure-to =", 'tls-by-default = "A second time."\nmake-sure-to =')
    edit(policy, "keep-out-compromised =", "pin-override =")
    with pytest.raises(RegistryError) as caught:
        registry.load(files, checked=["tls", "tls", "no-check"])
    said = " ".join(caught.value.problems)
    for part in (
        "The control code-sign-in keeps no-such",
        "two controls code-sign-in",
        "two sentences pin-override",
        "[no_promise] lists unimportant",
        "The sentence important is neither",
        "The sentence classroom-codes is neither",
        "tls-by-default is kept by a control and listed under",
        "keeps keep-out-compromised, which",
        "Two checks are named tls.",
        "A check is named no-check",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("file", "old", "new", "part"),
    [
        ("controls.toml", 'every = "1 day"', 'every = "daily"', "number and a unit"),
        ("controls.toml", 'every = "1 day"', 'every = "0 days"', "number and a unit"),
        ("controls.toml", 'promise = "', 'promiss = "', "control.0.promise"),
        ("controls.toml", 'id = "code-sign-in"', 'id = "Code sign-in"', "control.0.id"),
        ("policy.toml", 'style = "text"', 'style = "verse"', "block.0.style"),
        ("policy.toml", "[[block]]", "[[block]", "policy.toml cannot be read"),
    ],
)
def test_a_file_that_is_not_well_formed_is_refused(
    files: Path, file: str, old: str, new: str, part: str
) -> None:
    edit(files / file, old, new)
    with pytest.raises(RegistryError, match=part.replace("[", r"\[")):
        registry.load(files)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RegistryError) as caught:
        registry.load(tmp_path)
    assert len(caught.value.problems) == 2
