import subprocess
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from dockmesh.model.mesh import Ssh
from dockmesh.transport.ssh import ssh_config


@dataclass(frozen=True)
class Target:
    name: str
    underlay: IPv4Address | None = None
    ssh: Ssh = field(default_factory=Ssh)


HOST1 = Target("host1", IPv4Address("10.0.0.1"))


def chosen(folder: Path, text: str = "Host host1\n  User ann\n") -> Path:
    path = folder / "my config"
    path.write_text(text)
    return path


def as_ssh_reads_it(config: Path, host: str) -> dict[str, str]:
    run = subprocess.run(["ssh", "-G", "-F", str(config), host], capture_output=True, text=True, check=True)
    return dict(line.split(" ", 1) for line in run.stdout.splitlines() if " " in line)


def test_the_users_file_is_read_first_and_the_underlay_addresses_stand_after_it(tmp_path: Path) -> None:
    user = chosen(tmp_path)

    with ssh_config([HOST1], user) as config:
        text = config.read_text()

    assert text == f'Include "{user}"\nHost host1\n  HostName 10.0.0.1\n'


def test_a_host_without_an_underlay_address_or_with_an_ssh_host_of_its_own_has_no_line(tmp_path: Path) -> None:
    named = Target("host2", IPv4Address("10.0.0.2"), Ssh(host="two.example"))

    with ssh_config([Target("host3"), named], chosen(tmp_path)) as config:
        text = config.read_text()

    assert text == f'Include "{tmp_path / "my config"}"\n'


def test_the_file_is_gone_afterwards(tmp_path: Path) -> None:
    with ssh_config([HOST1], chosen(tmp_path)) as config:
        assert config.exists()

    assert not config.exists()


def test_a_relative_name_is_meant_from_here(tmp_path: Path) -> None:
    with ssh_config([HOST1], Path("pyproject.toml")) as config:
        assert f'Include "{Path.cwd()}/pyproject.toml"' in config.read_text()


def test_openssh_takes_the_underlay_address_where_the_user_says_none(tmp_path: Path) -> None:
    with ssh_config([HOST1], chosen(tmp_path)) as config:
        read = as_ssh_reads_it(config, "host1")

    assert (read["hostname"], read["user"]) == ("10.0.0.1", "ann")


def test_openssh_takes_the_users_own_address_before_ours(tmp_path: Path) -> None:
    user = chosen(tmp_path, "Host host1\n  HostName gate.example\n  Port 2222\n")

    with ssh_config([HOST1], user) as config:
        read = as_ssh_reads_it(config, "host1")

    assert (read["hostname"], read["port"]) == ("gate.example", "2222")


def test_openssh_takes_our_line_after_a_file_that_ends_inside_a_host(tmp_path: Path) -> None:
    user = chosen(tmp_path, "Host other\n  User bob\n  # no end of line")

    with ssh_config([HOST1], user) as config:
        read = as_ssh_reads_it(config, "host1")

    assert read["hostname"] == "10.0.0.1"
