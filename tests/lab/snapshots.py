"""What a host is, in lines that can be compared."""

import re
from collections.abc import Iterable, Mapping

from tests.lab.mesh import Mesh

# What a host is, a line each: files and their modes, units, links, addresses, switches, Docker, rules, packages.
SNAPSHOT = r"""
find /etc -xdev \( -type d -printf 'folder %p %m\n' \) -o \( -type l -printf 'link %p %l\n' \) -o -printf 'file %p %m\n'
find /etc -xdev -type f -exec sha256sum {} + | sed 's/^/hash /'
find /var/lib /var/log -maxdepth 1 -type d -printf 'folder %p\n'
sysctl --all 2>/dev/null | grep 'bridge-nf-call' | sed 's/^/setting /'
find /var/lib/dockmesh /run/dockmesh -maxdepth 0 2>/dev/null | sed 's/^/kept /'
systemctl list-unit-files --no-legend --no-pager | awk '{print "unit", $1, $2}'
systemctl list-units --all --plain --no-legend --no-pager --type=service,socket,timer,path |
  awk '{print "state", $1, $2, $3, $4}'
ip -oneline link | grep -v veth | sed -E 's/^[0-9]+: ([^:@]+)(@[^:]+)?:.* (mtu [0-9]+).*/device \1 \3/'
ip -oneline link | grep -v veth | grep -oE '[a-z0-9-]+: <.* master [a-z0-9-]+' | sed -E 's/: <.* master/ in/'
ip -oneline -4 address | awk '{print "address", $2, $4}'
ip -4 route | sed 's/^/route /'
ip -4 rule | sed 's/^/policy /'; ip -6 rule | sed 's/^/policy6 /'
ip -4 route show table all | grep -v 'table local' | sed 's/^/route of all /'
cat /proc/sys/net/ipv4/ip_forward | sed 's/^/forwarding /'
dpkg-query --show --showformat='package ${db:Status-Status} ${Package} ${Version}\n'
if command -v ovs-vsctl >/dev/null; then ovs-vsctl show | sed '1d; s/^/switch /'; fi
if command -v docker >/dev/null && systemctl is-active --quiet docker; then
  docker network ls --quiet | xargs docker network inspect \
    --format 'network {{.Name}} {{.Driver}} {{json .IPAM.Config}} {{json .Options}}'
  docker ps --all --format 'container {{.Names}} {{.State}}'
fi
for rules in iptables-save ip6tables-save; do
  if command -v $rules >/dev/null; then $rules | grep -v '^#' | sed -E "s/\[[0-9:]+\]//; s/^/$rules /"; fi
done
if command -v nft >/dev/null; then
  nft --stateless list ruleset | grep -v '^#' | sed 's/^/nft /'
fi
"""
# Changes by itself or with a boot: logins, generated names of running things, notes of apt and ldconfig on their work.
VOLATILE = re.compile(
    r"ssh|session|user|run-|systemd-|/etc/(ld.so.cache|mtab|resolv.conf)|-\.mount|apt-daily|dpkg-db|ldconfig"
)


def snapshot(mesh: Mesh, host: str) -> list[str]:
    lines = mesh.on(host, SNAPSHOT).splitlines()
    return sorted(line for line in lines if not (line.startswith(("unit", "state")) and VOLATILE.search(line)))


def snapshots(mesh: Mesh, hosts: Iterable[str] = ()) -> dict[str, list[str]]:
    return {host: snapshot(mesh, host) for host in hosts or mesh.hosts}


def differences(before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> list[str]:
    return [
        f"{host}: {sign} {line}"
        for host in before
        for sign, lines in (("-", {*before[host]} - {*after[host]}), ("+", {*after[host]} - {*before[host]}))
        for line in sorted(lines)
    ]


def assert_same(before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> None:
    different = differences(before, after)
    assert not different, "\n".join(different)[:3000]
