"""The way to the hosts: the SSH configuration that the lab leaves, and the lab's own use of it."""

import os
import shlex
import subprocess
from collections.abc import Sequence

from dockmesh.errors import LabError
from dockmesh.lab.disk import host_key
from dockmesh.lab.model import Lab, LabHost
from dockmesh.lab.underlay import NETNS_FOLDER

HEADER = "# Made by `dockmesh lab up`; `dockmesh lab down` removes it.\n"


def write_ssh_files(lab: Lab) -> None:
    lab.known_hosts.write_text("".join(_known_host(lab, host) for host in lab.hosts))
    lab.ssh_config.write_text(ssh_config_text(lab))


def ssh_config_text(lab: Lab) -> str:
    """One entry a host, by name and by address.

    The proxy enters the switch's namespace, so this machine needs no route to the hosts; of a host behind a NAT that of
    its router, as by a jump host. `nc -N` passes the end of the connection on, or a killed client would leave its
    session on the host for ever.
    """
    return HEADER + "".join(
        f"\nHost {host.name} {host.address}\n"
        f"    HostName {lab.address_of(host)}\n"
        f"{f'    HostKeyAlias {host.name}{chr(10)}' if host.nat else ''}"
        f"    User root\n"
        f'    IdentityFile "{lab.key}"\n'
        f"    IdentitiesOnly yes\n"
        f'    UserKnownHostsFile "{lab.known_hosts}"\n'
        f"    GlobalKnownHostsFile /dev/null\n"
        f"    StrictHostKeyChecking yes\n"
        f"    ProxyCommand nsenter --net={NETNS_FOLDER / _beside(lab, host)} nc -N %h %p\n"
        for host in lab.hosts
    )


def _beside(lab: Lab, host: LabHost) -> str:
    """The namespace that reaches it."""
    return lab.router_netns_of(host) if host.nat else lab.switch_netns


def _known_host(lab: Lab, host: LabHost) -> str:
    kind, key, *_ = host_key(lab, host).read_text().split()
    return f"{host.name},{host.address} {kind} {key}\n"


def run_on(
    lab: Lab,
    host: LabHost,
    argv: Sequence[str],
    *,
    text: str = "",
    timeout_s: float | None = None,
    options: Sequence[str] = (),
) -> "subprocess.CompletedProcess[str]":
    """Run a command as root; its exit status is the caller's to judge, 255 also says that there is no connection."""
    always = ("-T", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=15")
    # sshd hands a command to a shell, so it is quoted here.
    command = ("ssh", "-F", str(lab.ssh_config), *always, *options, host.name, "--", shlex.join(argv))
    try:
        return subprocess.run(
            command, input=text, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(
            f"no answer within {timeout_s} s", host=host.name, ran=shlex.join(argv), do=f"dockmesh lab ssh {host.name}"
        ) from error


def become_ssh(lab: Lab, host: LabHost, words: Sequence[str]) -> None:
    """Replace this process: terminal, signals and exit status are ssh's then. As with ssh, the words go to a shell."""
    command = ("ssh", "-F", str(lab.ssh_config), host.name, *words)
    os.execvp(command[0], command)  # noqa: S606  a list, and no shell is wanted
