import pytest
from typer.testing import CliRunner

from dockmesh.cli.verbs.lab import app
from dockmesh.errors import UsageError


def test_help_names_every_verb() -> None:
    text = CliRunner().invoke(app, ["--help"]).output

    for verb in ("up", "down", "list", "ssh", "cut", "heal", "crash", "start", "reboot"):
        assert f" {verb} " in text


@pytest.mark.parametrize("wrong", ["host1", "host1=", "=1400", "host1=big", "host1=575", "host1=9000"])
def test_mtu_option_says_how_it_is_written(wrong: str) -> None:
    caught = CliRunner().invoke(app, ["up", "--mtu", wrong]).exception

    assert isinstance(caught, UsageError)
    assert "write it like --mtu host2=1400" in str(caught)


@pytest.mark.parametrize("wrong", ["xen", "KVM"])
def test_accelerator_is_one_of_two(wrong: str) -> None:
    caught = CliRunner().invoke(app, ["up", "--vm", "--accel", wrong]).exception

    assert isinstance(caught, UsageError)
    assert "say kvm or tcg" in str(caught)


def test_prefix_option_says_how_it_is_written() -> None:
    caught = CliRunner().invoke(app, ["up", "--prefix", "172.17.0.1/16"]).exception

    assert isinstance(caught, UsageError)
    assert "has host bits set" in str(caught)
