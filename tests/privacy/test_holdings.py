"""What is held about somebody, and that no switch hides it from exporting and erasing."""

from backoffice.access.transaction import transaction
from backoffice.host.services import switch_plugin
from backoffice.privacy.holdings import Subject, held_about
from backoffice.runtime import Runtime
from tests.factories.world import SYSTEM, World


def test_what_a_plugin_holds_is_told_though_it_is_off(runtime: Runtime, world: World) -> None:
    founder = world.sign_in("founder")
    for plugin in runtime.plugins:
        switch_plugin(
            principal=founder,
            installed=runtime.plugins,
            name=plugin.name,
            enabled=False,
            reason="To see what is told",
        )
    with transaction(SYSTEM) as tx:
        assert not any(tx.enabled(plugin.name) for plugin in runtime.plugins)
    told = {subject: held_about(subject, runtime.plugins) for subject in Subject}
    assert {held.model.__name__ for held in told[Subject.STUDENT]} == {
        "AffectedPerson",
        "Export",
        "RosterImport",
        "RosterUpload",
        "ScopeSource",
        "StudentSource",
        "Unseated",
    }
    everything = [held for plugin in runtime.plugins for held in plugin.personal_data]
    assert sum(map(len, told.values())) == len(everything)
