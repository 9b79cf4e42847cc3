"""What tests of erasing share."""

import hashlib

import pytest

from backoffice.access.principal import Purpose
from backoffice.privacy.erasure import services
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import AskedAs, Erasure
from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime
from tests.factories.world import World

WHO = Purpose("test-receipts")


@pytest.fixture(scope="module")
def done(runtime: Runtime, world: World, tmp_path_factory: pytest.TempPathFactory) -> Erasure:
    made = eraser_of(runtime, WHO)
    ledger = LedgerFile(tmp_path_factory.mktemp("ledger"))
    eraser = Eraser(WHO, made.tables, made.installed, ledger, made.backups_kept)
    return services.erase(
        eraser=eraser,
        subject=Subject.CLASSROOM,
        public_id=world.foreign_class.public_id,
        asked_as=AskedAs.TEACHER,
    )


@pytest.fixture(scope="module")
def sha(done: Erasure) -> str:
    assert done.receipt is not None
    return hashlib.sha256(done.receipt.encode()).hexdigest()
