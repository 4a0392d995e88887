import pytest

from dockmesh.errors import LabError
from dockmesh.lab.command import run, try_run


def test_a_failure_says_what_was_run_and_what_was_answered() -> None:
    with pytest.raises(LabError) as caught:
        run(("ls", "--", "/no such place"), "list it", do="make it")

    lines = str(caught.value).splitlines()
    assert lines[0] == "could not list it"
    assert lines[1].split(maxsplit=1) == ["ran", "ls -- '/no such place'"]
    assert lines[2].startswith("   answered  exit 2: ls: ")
    assert lines[3].split() == ["do", "make", "it"]


def test_text_goes_in_and_comes_out() -> None:
    assert run(("cat",), "echo", text="frame") == "frame"


def test_a_program_that_is_not_there_has_failed() -> None:
    assert not try_run(("no-such-program",))
