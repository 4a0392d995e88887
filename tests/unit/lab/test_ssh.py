from pathlib import Path

from dockmesh.lab.model import Lab, make_hosts
from dockmesh.lab.ssh import ssh_config_text
from dockmesh.model.mesh import Datapath


def test_ssh_config_reaches_hosts_by_name_and_address_through_the_switch() -> None:
    directory = Path("/srv/my labs/one")
    lab = Lab("one", directory, False, Datapath.SYSTEM, {}, make_hosts(directory, 1, {}))
    address = lab.hosts[0].address

    text = ssh_config_text(lab)

    assert text == (
        "# Made by `dockmesh lab up`; `dockmesh lab down` removes it.\n"
        "\n"
        f"Host host1 {address}\n"
        f"    HostName {address}\n"
        "    User root\n"
        '    IdentityFile "/srv/my labs/one/key"\n'
        "    IdentitiesOnly yes\n"
        '    UserKnownHostsFile "/srv/my labs/one/known_hosts"\n'
        "    GlobalKnownHostsFile /dev/null\n"
        "    StrictHostKeyChecking yes\n"
        f"    ProxyCommand nsenter --net=/run/netns/{lab.mark}-net nc -N %h %p\n"
    )
