"""What the rollback of a run takes away that nothing else would."""

import pytest

from dockmesh.facts.types import FileState, HostFacts
from dockmesh.render import ports
from dockmesh.transport.requests import Exec
from dockmesh.undo import restore


@pytest.mark.parametrize("had_them", [False, True], ids=["the run brought them", "they were there before"])
def test_rules_at_ports_go_with_the_run_that_brought_them_for_their_guard_leaves_them(had_them: bool) -> None:
    files = {ports.UNIT_FILE: FileState("the unit", 0o644)} if had_them else {}
    facts = HostFacts("host1", frozenset(), "", {}, (), None, None, files)

    assert restore.rules_that_came(facts) == (() if had_them else (Exec(ports.FORGET),))
