"""Records that dockmesh 0.1.0 left on hosts: what they say is still understood. They are never written again."""

from pathlib import Path

import pytest

from dockmesh.diff.host import desired
from dockmesh.diff.origin import expected
from dockmesh.diff.subject import Thing
from dockmesh.record.applied import Applied, read
from dockmesh.render.docker import DAEMON_JSON
from dockmesh.render.types import HostConfig
from tests.cases.test_rendered_files import CASES
from tests.support.plans import config_of

RECORDS = sorted((Path(__file__).parent / "records").glob("0.1.0-*.json"))


def record_and_config(path: Path) -> tuple[Applied, HostConfig]:
    (case,) = (case for case in CASES if str(case) == path.stem.removeprefix("0.1.0-"))
    record = read(path.read_text(encoding="utf-8"))
    assert record is not None
    return record, config_of(case.mesh, "host2")


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_each_subject_has_the_name_that_it_had(path: Path) -> None:
    record, config = record_and_config(path)

    assert set(record.expected) <= set(expected(config))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_the_same_is_wanted_in_the_same_words(path: Path) -> None:
    record, config = record_and_config(path)
    # Of a file there is a fingerprint, and its text may be another one by now.
    texts = {each.subject.key for each in desired(config) if each.subject.kind is Thing.FILE} - {DAEMON_JSON}

    now = {key: value for key, value in expected(config).items() if key in record.expected and key not in texts}

    assert now == {key: value for key, value in record.expected.items() if key not in texts}
