"""Nebula: routes between the hosts' pools of containers, with a host that is lighthouse and relay."""

import json
from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv4Network
from typing import Any

from bench.peers import docker
from bench.peers.site import Seats, Site
from bench.peers.types import About
from dockmesh.lab.model import Lab
from dockmesh.plan.types import HostPlan
from dockmesh.transport.requests import Exec, Get, Put, Request

FOLDER = "/etc/nebula"
NEBULA, POOLS = IPv4Network("10.98.0.0/24"), IPv4Network("172.22.0.0/16")
PORT, DEVICE, MTU = 4242, "nebula1", 1300
CA = (f"{FOLDER}/ca.crt", f"{FOLDER}/ca.key")
ANY = [{"port": "any", "proto": "any", "host": "any"}]


class Nebula:
    packages: tuple[str, ...] = ("nebula",)
    shown: tuple[str, ...] = ("nebula", "docker.io")
    watch_s: float | None = None

    def about(self, lab: Lab) -> About:
        return About(
            name="nebula",
            title="Nebula, relay",
            datapath="its own, in userspace (tun, routed)",
            encrypts=True,
            centre=lab.hosts[1].name,
            centre_is="the only lighthouse and relay",
            settings=(
                f"tun of MTU {MTU}, unsafe_routes to the other hosts' pools; Docker with bip, containers keep MTU 1500",
                f"two rules of iptables: forward what comes from {DEVICE}, masquerade nothing that goes there",
            ),
        )

    def set_up(self, site: Site) -> None:
        """The first host has the authority, and signs for all."""
        hosts = site.plan.hosts
        answers = site.carry_out("sign Nebula's certificates", lambda _: tuple(_sign(hosts)), hosts[:1])
        ca, *own = (answer.out for answer in answers[hosts[0].name][-1 - 2 * len(hosts) :])
        papers = {host.name: (ca, *own[2 * place : 2 * place + 2]) for place, host in enumerate(hosts)}
        site.carry_out("start Nebula", lambda host: tuple(_start(site, host, papers[host.name])))

    def seats(self, site: Site) -> Seats:
        return docker.start_containers(site)


def _nebula(number: int) -> IPv4Interface:
    return IPv4Interface((NEBULA[number], NEBULA.prefixlen))


def _pool(number: int) -> IPv4Network:
    return list(POOLS.subnets(new_prefix=24))[number]


def _sign(hosts: tuple[HostPlan, ...]) -> Iterator[Request]:
    certificate, key = CA
    yield Exec(("nebula-cert", "ca", "-name", "bench", "-out-crt", certificate, "-out-key", key))
    names: list[str] = []
    for number, host in enumerate(hosts, start=1):
        files = (f"/root/{host.name}.crt", f"/root/{host.name}.key")
        by = ("nebula-cert", "sign", "-ca-crt", certificate, "-ca-key", key)
        of = ("-name", host.name, "-ip", str(_nebula(number)), "-subnets", str(_pool(number)))
        yield Exec((*by, *of, "-out-crt", files[0], "-out-key", files[1]))
        names += files
    yield Get(certificate)
    for name in names:
        yield Get(name)


def _start(site: Site, host: HostPlan, papers: tuple[str, ...]) -> Iterator[Request]:
    number = site.plan.hosts.index(host) + 1
    bridge = IPv4Interface((_pool(number)[1], 24))
    for name, text in zip(("ca.crt", "host.crt", "host.key"), papers, strict=True):
        yield Put(f"{FOLDER}/{name}", text, 0o600)
    # JSON is YAML, too.
    yield Put(f"{FOLDER}/bench.yml", json.dumps(_settings(site, number), indent=2) + "\n")
    yield from docker.settle(bridge)
    yield Exec(("iptables", "-I", "DOCKER-USER", "-i", DEVICE, "-j", "ACCEPT"))
    yield Exec(("iptables", "-t", "nat", "-I", "POSTROUTING", "-o", DEVICE, "-j", "ACCEPT"))
    yield Exec(("systemctl", "enable", "--now", "nebula@bench.service"))


def _settings(site: Site, number: int) -> dict[str, Any]:
    hosts = site.plan.hosts
    lighthouse = 2
    is_lighthouse = number == lighthouse
    at = str(_nebula(lighthouse).ip)
    return {
        "pki": {"ca": CA[0], "cert": f"{FOLDER}/host.crt", "key": f"{FOLDER}/host.key"},
        "static_host_map": {at: [f"{hosts[lighthouse - 1].underlay}:{PORT}"]},
        "lighthouse": {"am_lighthouse": is_lighthouse, "hosts": [] if is_lighthouse else [at]},
        "listen": {"host": "0.0.0.0", "port": PORT},  # noqa: S104  a lab's
        "punchy": {"punch": True},
        "relay": {"am_relay": is_lighthouse, "use_relays": True, "relays": [] if is_lighthouse else [at]},
        "tun": {
            "dev": DEVICE,
            "mtu": MTU,
            "unsafe_routes": [
                {"route": str(_pool(other)), "via": str(_nebula(other).ip)}
                for other in range(1, len(hosts) + 1)
                if other != number
            ],
        },
        "firewall": {"outbound": ANY, "inbound": ANY},
    }
