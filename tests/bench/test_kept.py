"""The crowd that pages are measured on: how long it takes to make, and how much it weighs."""

from tests.bench.kept import Kept, kept
from tests.factories.crowd import LARGE_CLASSES

__all__ = ["kept"]


def test_what_the_crowd_weighs(kept: Kept) -> None:
    crowd = kept.crowd
    millions = (crowd.rows + sum(LARGE_CLASSES)) / 1_000_000
    whole = sum(each.stat().st_blocks * 512 for each in kept.folder.rglob("*") if each.is_file())
    ours, plain = (size / millions / 1e9 for size in crowd.sizes)
    print(
        f"\n{crowd.rows:,} students, loaded{'' if kept.fresh else ' on an earlier run'} in"
        f" {crowd.seconds:.0f} s ({crowd.seconds / millions:.0f} s a million); a million takes"
        f" {ours:.2f} GB in the product's tables and {plain:.2f} GB in plain ones;"
        f" on disk {whole / 1e9:.2f} GB in all"
    )
    assert all(crowd.sizes)
