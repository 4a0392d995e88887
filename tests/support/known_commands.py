"""Commands that a host in memory takes, and of which nothing comes there that a test could see.

Word for word, as a person would type them, and not by the names that the code has for them: a command that the code
misspells must not be taken for one of these.
"""

from shlex import join

from dockmesh.transport.requests import Answer


class UnknownCommandError(AssertionError):
    """Nobody has said what this does: a command that is new or misspelt must not pass for one that worked."""

    def __init__(self, argv: tuple[str, ...]):
        super().__init__(f"the host in memory does not know: {join(argv)}")


OURS = (
    *("dockmesh-flows.service", "dockmesh-names.service", "dockmesh-api.service", "dockmesh-attach.service"),
    *("dockmesh-ports.service", "dockmesh-wireguard.service"),
)
NO_RULES_FOR_BRIDGES = {"net.bridge.bridge-nf-call-iptables=0", "net.bridge.bridge-nf-call-ip6tables=0"}
# What a host without any rules, routes and network managers says.
SAYS_NOTHING = frozenset(
    tuple(line.split())
    for line in """\
iptables -S
ip6tables -S
iptables-save
ip6tables-save
iptables-restore --noflush
ip6tables-restore --noflush
iptables --version
nft --json list ruleset
nft add table inet dockmesh_encryption; delete table inet dockmesh_encryption
nft add table bridge dockmesh; delete table bridge dockmesh; add table inet dockmesh_peers; delete table inet dockmesh_peers
nmcli --terse --fields DEVICE,STATE device
ip -json -4 route show table all
ip -json -4 route show default
ip -json -6 route show table main
python3 --version
unshare --net ip link add name dockmesh type wireguard
ip -4 route flush type unreachable proto 83
ip -4 rule flush protocol 83
unshare --net ip link add name dockmesh type vxlan id 1 remote 192.0.2.1 dstport 4789 nolearning df set
df --block-size=1 --output=avail,file /etc /var /var/lib/docker
date +%s.%N
journalctl --unit=docker.service --lines=5 --output=cat --no-pager
find /proc/sys/net/ipv6/conf -name accept_ra -exec grep -H {} +
dpkg --configure --pending
apt-cache show docker-cli
install -d -m 0700 /var/lib/dockmesh
install --directory --mode=0700 /var/lib/dockmesh/packages
rm --force /var/lib/docker/nuke-graph-directory.sh
sysctl -q -w net.ipv4.ip_forward=0
sysctl -q -w net.ipv6.conf.all.forwarding=0
grep --recursive --include=*.network /etc/systemd/network /run/systemd/network /usr/lib/systemd/network
""".splitlines()  # noqa: E501  commands are one line each
)


def take(argv: tuple[str, ...]) -> Answer:
    """Raises UnknownCommandError."""
    if tuple(word for word in argv if word) in SAYS_NOTHING:
        return Answer(0)
    match argv:
        case ("modprobe", "--dry-run", "--quiet", "geneve" | "ip_gre" | "ip6_gre" | "vxlan"):
            return Answer(0)
        case ("ip", "neighbour", "flush", "to", _) | ("ping", "-n", "-c", "1", "-W", "1", _):
            return Answer(0)
        case ("sysctl", "-q", "-w", *settings) if settings and set(settings) <= NO_RULES_FOR_BRIDGES:
            return Answer(0)
        case ("ovs-appctl", "bfd/set-forwarding", _, "false" | "normal"):
            return Answer(0)
        case ("systemctl", "try-restart", unit) if unit in OURS:
            return Answer(0)
        case ("systemctl", "try-reload-or-restart", "dockmesh-ports.service" | "dockmesh-wireguard.service"):
            return Answer(0)
        case ("systemctl", "daemon-reload") | ("systemctl", "reset-failed", "docker.*"):
            return Answer(0)
        case ("python3", "-I", "-S", "-c", _, "300", "dpkg", "--force-confdef", "--force-confold", "--configure", "-a"):
            return Answer(0)
        case ("python3", "-I", "-S", "-c", _) | ("python3", "-I", "-S", "-c", _, _):
            return Answer(1, err="scripts do not run in memory")
    raise UnknownCommandError(argv)
