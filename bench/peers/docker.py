"""Docker on the hosts of a contender: its default bridge, and the containers that are measured."""

import json
from ipaddress import IPv4Interface, IPv4Network

from bench.peers.site import Seat, Seats, Site
from dockmesh.plan.types import HostPlan
from dockmesh.transport.requests import Exec, Put, Request

# One static program; no registry is there to ask.
IMAGE, CONTAINER = "busybox", "bench"
ARCHIVE = "/root/busybox.tar"
DEFAULT_BRIDGE = "bridge"  # Docker's name for the network of docker0
RESTART_S = 120


def image() -> tuple[Request, ...]:
    entry = 'ENTRYPOINT ["/bin/busybox"]'
    return (
        Exec(("tar", "-C", "/usr", "-c", "-f", ARCHIVE, "bin/busybox")),
        Exec(("docker", "import", "--change", entry, ARCHIVE, IMAGE)),
    )


def settle(bridge: IPv4Interface, pool: IPv4Network | None = None, mtu: int | None = None) -> tuple[Request, ...]:
    """docker0 with this address, containers from this pool, and this MTU inside; Docker restarted for it."""
    keys: dict[str, object] = {"bip": str(bridge)}
    if pool is not None:
        keys["fixed-cidr"] = str(pool)
    if mtu is not None:
        keys["mtu"] = mtu
    return (
        Put("/etc/docker/daemon.json", json.dumps(keys) + "\n"),
        Exec(("systemctl", "restart", "docker.service"), timeout_s=RESTART_S),
    )


def settle_as_planned(host: HostPlan, mtu: int | None = None) -> tuple[Request, ...]:
    """One prefix for all hosts, and to each its own pool of it."""
    return settle(host.address, host.pool, mtu)


def join(device: str) -> Exec:
    """Put an interface into docker0."""
    return Exec(("ip", "link", "set", "dev", device, "master", "docker0", "up"))


def start_containers(site: Site, network: str = DEFAULT_BRIDGE) -> Seats:
    """A container that only sleeps, on each host. SIGTERM it would not hear, so it is told by SIGKILL."""
    words = ("--detach", "--name", CONTAINER, "--stop-signal", "KILL", "--restart", "always", "--network", network)
    start = Exec(("docker", "run", *words, IMAGE, "sleep", "1000000"), timeout_s=RESTART_S)
    inspect = Exec(("docker", "inspect", CONTAINER))
    answers = site.carry_out("start the containers", lambda _: (start, inspect))
    return {name: read_container(name, network, answer.out) for name, (_, answer) in answers.items()}


def read_container(host: str, network: str, inspected: str) -> Seat:
    """Pure: `docker inspect` to a seat."""
    (container,) = json.loads(inspected)
    address = container["NetworkSettings"]["Networks"][network]["IPAddress"]
    return Seat(host, address, CONTAINER, ("nsenter", f"--net=/proc/{container['State']['Pid']}/ns/net"))
