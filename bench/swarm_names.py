"""Docker Swarm's names beside dockmesh's, on the same hosts: asked in a container, of the resolver that it has."""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from bench.names_asked import LATENCY, QUESTIONS, SLEEPER, WATCH, finds, python
from bench.rows import Row
from bench.world import answer, wait
from dockmesh.lab.model import Lab

NETWORK = "overlay-bench"
DOCKERS_OWN = "127.0.0.11"
TURNS = 5
WATCHED_S = 8


@dataclass(frozen=True)
class Names:
    """How a container finds another on the network `network` of Docker's."""

    title: str
    network: str
    seats: Sequence[str]  # the first two hosts' containers that ask
    server: str
    end: str  # behind a container's name


def compared(lab: Lab, ours: Names) -> list[Row]:
    """Both, one after the other; the swarm is begun here, and ends with the lab."""
    return [*_measured(lab, ours), *_measured(lab, _swarm(lab))]


def _swarm(lab: Lab) -> Names:
    manager, *workers = (host.name for host in lab.hosts)
    at = lab.host(manager).address
    answer(lab, manager, f"docker swarm init --advertise-addr {at}")
    token = answer(lab, manager, "docker swarm join-token --quiet worker")
    for worker in workers:
        answer(lab, worker, f"docker swarm join --token {token} {at}:2377")
    answer(lab, manager, f"docker network create --driver overlay --attachable {NETWORK}")
    hosts = (manager, workers[0])
    for host in hosts:
        answer(lab, host, f"docker run --name swarm-{host} --network {NETWORK} {SLEEPER}")
    seats = tuple(f"swarm-{host}" for host in hosts)
    return Names("Docker Swarm", NETWORK, seats, DOCKERS_OWN, "")


def _measured(lab: Lab, names: Names) -> list[Row]:
    here, there = (host.name for host in lab.hosts[:2])
    mine, other = names.seats
    found = f"{other}{names.end}"
    wait(finds(lab, here, mine, names.server, found), f"{names.title}: {found} is found")
    took = [json.loads(python(lab, here, LATENCY, names.server, found, str(QUESTIONS), inside=mine)) for _ in range(3)]
    turns = [_turn(lab, names, here, there) for _ in range(TURNS)]
    return [
        Row(
            f"{names.title}: a name of another host, median",
            tuple(each[len(each) // 2] * 1000 for each in took),
            "ms (of 2,000)",
        ),
        Row(
            f"{names.title}: from Docker's word that a container started to its name on another host",
            tuple(each[0] for each in turns),
            "ms",
            500,
            each=True,
        ),
        Row(
            f"{names.title}: from Docker's word that it ended to no name on another host",
            tuple(each[1] for each in turns),
            "ms",
            500,
            each=True,
        ),
    ]


def _turn(lab: Lab, names: Names, here: str, there: str) -> tuple[float, float]:
    """A container comes and goes there; how long after each it is seen here, in milliseconds."""
    with ThreadPoolExecutor(1) as pool:
        words = (names.server, str(WATCHED_S), "0.002", f"brief{names.end}")
        heard = pool.submit(python, lab, here, WATCH, *words, inside=names.seats[0])
        # All of this has to happen while it is asked for.
        time.sleep(1)
        answer(lab, there, f"docker run --name brief --network {names.network} {SLEEPER}")
        time.sleep(2)
        answer(lab, there, "docker kill brief")
        states = "docker inspect --format '{{.State.StartedAt}} {{.State.FinishedAt}}' brief"
        started, ended = map(_seconds, answer(lab, there, states).split())
        answer(lab, there, "docker rm brief")
        said = json.loads(heard.result())
    told = [each for each in said if each[4]]
    if not told or told[-1] is said[-1]:
        raise SystemExit(f"{names.title}: not seen to come and go")
    gone = said[said.index(told[-1]) + 1]
    return max(0.0, told[0][1] - started) * 1000, max(0.0, gone[1] - ended) * 1000


def _seconds(stamp: str) -> float:
    """Since 1970, of what Docker writes: nine digits, of which Python takes six."""
    whole, _, rest = stamp.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{rest or 0}")
