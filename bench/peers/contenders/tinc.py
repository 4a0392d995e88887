"""tinc 1.0 in switch mode, its tap in docker0; every host connects to every other, all else is its default."""

from collections.abc import Iterator, Mapping

from bench.peers import docker
from bench.peers.site import Seats, Site
from bench.peers.types import About
from dockmesh.lab.model import Lab
from dockmesh.plan.types import HostPlan
from dockmesh.transport.requests import Exec, Get, Put, Request

FOLDER = "/etc/tinc/mesh"
UP = '#!/bin/sh\nexec ip link set dev "$INTERFACE" master docker0 up\n'


class Tinc:
    packages: tuple[str, ...] = ("tinc",)
    shown: tuple[str, ...] = ("tinc", "docker.io")
    watch_s: float | None = None

    def about(self, lab: Lab) -> About:
        return About(
            name="tinc",
            title="tinc, switch",
            datapath="its own, in userspace (tap)",
            encrypts=True,
            centre=lab.hosts[0].name,
            centre_is="no more than the others",
            settings=(
                "Mode = switch, ConnectTo all others, all else its default (PingInterval 60, PingTimeout 5)",
                "its tap in docker0; Docker with bip and fixed-cidr, containers keep MTU 1500",
            ),
        )

    def set_up(self, site: Site) -> None:
        answers = site.carry_out("make tinc's keys", lambda host: tuple(_own(site, host)))
        keys = {name: each[-1].out for name, each in answers.items()}
        site.carry_out("start tinc", lambda host: tuple(_others(host, keys)))

    def seats(self, site: Site) -> Seats:
        return docker.start_containers(site)


def _own(site: Site, host: HostPlan) -> Iterator[Request]:
    yield from docker.settle_as_planned(host)
    connect = "".join(f"ConnectTo = {peer.name}\n" for peer in site.peers(host))
    yield Put(f"{FOLDER}/tinc.conf", f"Name = {host.name}\nMode = switch\n{connect}")
    yield Put(f"{FOLDER}/tinc-up", UP, 0o755)
    yield Put(f"{FOLDER}/hosts/{host.name}", f"Address = {host.underlay}\n")
    # It adds the public half to the file of this host.
    yield Exec(("tincd", "--net=mesh", "--generate-keys"))
    yield Get(f"{FOLDER}/hosts/{host.name}")


def _others(host: HostPlan, keys: Mapping[str, str]) -> Iterator[Request]:
    for name, text in keys.items():
        if name != host.name:
            yield Put(f"{FOLDER}/hosts/{name}", text)
    yield Exec(("systemctl", "enable", "--now", "tinc@mesh.service"))
