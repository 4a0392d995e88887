"""What is left on hosts after `destroy --packages`, but for what packages of Debian's are, have and leave by design."""

import re
from collections.abc import Iterable, Mapping
from shlex import quote

from tests.lab.mesh import Mesh
from tests.lab.snapshots import differences, snapshots

# Open vSwitch stays where the lab's own underlay is on a bridge of its; with it the packages that it depends on.
PACKAGES = re.compile(
    r"package installed (openvswitch-\w+|python3-openvswitch|uuid-runtime|lib(event|numa|unbound|xdp)\S*) "
)
# What its packages write when they are installed or started, and have in no list of theirs.
WRITTEN_BY_THE_SWITCH = re.compile(r"/etc/openvswitch/(conf\.db|\.conf\.db\.~lock~|system-id\.conf)( |$)")
# Where the lab has the underlay, and its own network in the switch.
UNDERLAY = re.compile(
    r"(device|address|route|network|switch) .*\b(br-phy|eth0|ovs-system|ovs-netdev)\b|dockmesh-lab|nft \tchain eth0 \{"
)
# Of that bridge, in the words of `ovs-vsctl show`. That it is the only one is asserted beside this.
ITS_SETTINGS = re.compile(r"switch +(type: internal|datapath_type: netdev|ovs_version: \"[\d.]+\")$")
# Folders of theirs that dpkg has in no list, and a unit that theirs name and nobody has.
MADE_BY_THE_SWITCH = re.compile(
    r"folder (/etc/systemd/system/(openvswitch-switch.service.requires|sockets.target.wants) 755"
    r"|/var/lib/(libuuid|openvswitch))$|state dpdk.service not-found inactive dead$"
)
# Users, a cache, tables of the firewall with nothing in them.
EMPTY_TABLE = r"nft (table ip6? \w+ \{|\tchain [A-Z]+ \{|\t\ttype \w+ hook \w+ priority [\w ]+; policy accept;|\t?\}|)$"
BY_DESIGN = re.compile(
    rf"/etc/(g?shadow|passwd|group)-?$|ld.so.cache|folder /var/lib/(docker|containerd)$|{EMPTY_TABLE}"
)
# By which path a line is about a file, and by which name about a unit.
PATH = re.compile(r"(?:file|link|folder) (\S+) |hash \w+  (\S+)|folder (\S+)$")
UNIT_NAME = re.compile(r"(?:unit|state) (\S+) ")
# Those of the paths and units in its input that a package has; a link, if it has what that leads to.
OWNED = """
while read -r kind name; do
  path="$name"; [ "$kind" = unit ] && path="$(systemctl show --property=FragmentPath --value -- "$name")"
  for each in "$path" "$(readlink -f -- "$path")" "${path#/usr}"; do
    if [ -n "$each" ] && dpkg-query --search "$each" >/dev/null 2>&1; then echo "$kind $name"; break; fi
  done
done
"""


def unexplained(mesh: Mesh, before: Mapping[str, list[str]]) -> list[str]:
    """Each line that a host has more or less than before, and that no package explains."""
    found = [each for each in differences(before, snapshots(mesh)) if not BY_DESIGN.search(each)]
    return [
        line
        for host in before
        for line in _of_host(mesh, host, [each for each in found if each.startswith(f"{host}: ")])
    ]


def _of_host(mesh: Mesh, host: str, lines: Iterable[str]) -> list[str]:
    others = (PACKAGES, WRITTEN_BY_THE_SWITCH, MADE_BY_THE_SWITCH, UNDERLAY, ITS_SETTINGS)
    rest = [line for line in lines if not any(each.search(line) for each in others)]
    asked = {line: key for line in rest if (key := _key(line)) is not None}
    wanted = "\n".join(sorted(set(asked.values())))
    owned = set(mesh.on(host, f"bash -c {quote(OWNED)} <<'E'\n{wanted}\nE").splitlines())
    return [line for line in rest if asked.get(line) not in owned]


def _key(line: str) -> str | None:
    """What of a package may be asked for: `file PATH` or `unit NAME`."""
    if path := PATH.search(line):
        return f"file {next(filter(None, path.groups()))}"
    unit = UNIT_NAME.search(line)
    return f"unit {unit.group(1)}" if unit else None
