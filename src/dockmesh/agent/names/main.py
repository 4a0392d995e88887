"""All of it together, until it is stopped."""

from __future__ import annotations

import asyncio
import signal
import sys

from . import config, sockets
from .config import Config
from .docker import Follower
from .peers import Peers
from .places import Places
from .resolver import Resolver
from .serve import MOST_CONNECTIONS, MOST_CONNECTIONS_OF_ONE, MOST_WAITING, Tcp, Udp
from .upstream import Upstream
from .zone import Zone

BEAT_S = 2.0  # of the watchdog
MOST_NAMED = 10


def say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


async def run(settings: Config) -> None:
    zone = Zone(network.docker for network in settings.networks)
    peers = {network.name: Peers(network, say) for network in settings.networks}
    resolver = Resolver(settings, zone, peers, Upstream(settings.addresses))
    follower = Follower(zone, (network.address for network in settings.networks), resolver.changed, say)
    resolver.syncing = lambda: follower.syncing
    waiting, connections = Places(MOST_WAITING), Places(MOST_CONNECTIONS, MOST_CONNECTIONS_OF_ONE)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, follower.let_go)  # by docker.service, before it is stopped
    # What dies here must not die unseen: systemd starts all of it again.
    tasks = [loop.create_task(follower.follow())]
    listening = sockets.listen([network.address for network in settings.networks], sockets.kept())
    for network, udp, tcp in zip(settings.networks, listening[::2], listening[1::2]):
        await loop.create_datagram_endpoint(lambda: peers[network.name], sock=sockets.asking(network.address))  # noqa: B023
        await loop.create_datagram_endpoint(lambda: Udp(resolver, network, waiting), sock=udp)  # noqa: B023
        await Tcp(resolver, network, connections).start(tcp)
        tasks.append(loop.create_task(peers[network.name].probe()))
    sockets.tell_systemd("FDSTOREREMOVE=1\nFDNAME=names")
    sockets.tell_systemd("READY=1")
    sockets.tell_systemd("FDSTORE=1\nFDNAME=names", *listening)
    tasks.append(loop.create_task(beat(zone, follower, peers)))
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def beat(zone: Zone, follower: Follower, peers: dict[str, Peers]) -> None:
    """Never ends. The text is what `systemctl status` shows, and `dockmesh status` reads."""
    while True:
        silent = sorted({host for each in peers.values() for host in each.silent})
        words = (
            f"names: {zone.size}; Docker: {follower.state}; silent: {_few(silent)}; elsewhere: {_few(zone.elsewhere)}"
        )
        sockets.tell_systemd(f"WATCHDOG=1\nSTATUS={words}")
        await asyncio.sleep(BEAT_S)


def _few(names: list[str]) -> str:
    more = f", and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more if names else "none"


def main(path: str) -> None:
    try:
        with open(path, encoding="utf-8") as file:
            settings = config.read(file.read())
    except (OSError, ValueError, KeyError) as error:
        raise SystemExit(f"{path}: {error!r}") from error
    asyncio.run(run(settings))
