"""A mesh on this machine, from three bare hosts to a dead one and back: what `make demo` shows.

Everything goes through the command line, as on real servers; `lab` stands in for the servers. Needs root.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from dockmesh.lab import store
from dockmesh.lab.model import Lab
from dockmesh.lab.pings import pinging
from dockmesh.lab.ssh import run_on
from dockmesh.pings.log import PingStats

console = Console(highlight=False, soft_wrap=True)
HOSTS = ("host1", "host2", "host3")
CONTAINER = "web"
# Until tunnels are back to what the plan wants; a pair that pings before that is no proof of it.
DEADLINE_S = 60


class DemoError(Exception):
    """Something that should have worked did not."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the lab running at the end")
    keep = parser.parse_args().keep
    began = time.monotonic()
    with TemporaryDirectory(prefix="dockmesh-demo-") as folder:
        directory = Path(folder) / "lab"
        try:
            measured = show(directory, Path(folder) / "dockmesh.yaml")
        except DemoError as error:
            console.print(f"\n[bold red]✗ {error}[/]")
            return 1
        finally:
            if not keep:
                step("The lab ends", "its hosts, their network and their disks are removed; the image stays cached")
                dockmesh("lab", "down", "--dir", str(directory))
    summary(measured, time.monotonic() - began)
    return 0


def show(directory: Path, file: Path) -> dict[str, str]:
    """All steps; what was measured, by what it is called."""
    step("Three bare hosts", "Debian 13 with sshd and nothing else, in a network that nothing leaves")
    dockmesh("lab", "up", "--dir", str(directory), "--hosts", "3")
    lab = store.load(directory)
    reach = ("-f", str(file), "--ssh-config", str(lab.ssh_config))

    step("One file", "`init` asks each host for its address and MTU, and writes the mesh down")
    dockmesh("init", "--name", "demo", "--encryption", "off", *reach, *HOSTS)
    console.print(file.read_text(), style="cyan", markup=False)

    step("The plan", "what follows from the file; nobody is contacted")
    dockmesh("plan", "-f", str(file))

    step("Apply", "Open vSwitch and Docker are installed, the mesh is built, and every pair is measured")
    began = time.monotonic()
    dockmesh("apply", "--yes", *reach)
    measured = {"bare hosts to a proven mesh": f"{time.monotonic() - began:.1f} s"}

    step("A second apply", "it finds everything as it should be, and touches nothing")
    began = time.monotonic()
    dockmesh("apply", *reach)
    measured["apply with nothing to change"] = f"{time.monotonic() - began:.2f} s"

    step("A container on each host", "an image of one program, as there is no registry here")
    addresses = {host: start_container(lab, host) for host in HOSTS}
    show_matrix(lab, addresses)

    left, middle, right = HOSTS
    step("A link is cut", f"between {left} and {right} the underlay drops everything; frames go over {middle} now")
    cut = measure(lab, left, addresses[right], lambda: dockmesh("lab", "cut", "--dir", str(directory), left, right))
    measured["longest gap when a link is cut"] = gap(cut)

    step("The link is healed", "the tunnels are heard again, and frames take the short way")
    healed = measure(lab, left, addresses[right], lambda: dockmesh("lab", "heal", "--dir", str(directory)))
    measured["longest gap when it is healed"] = gap(healed)

    step("The middle host dies", f"{middle} loses its power while a container on {left} pings one on {right}")
    dead = measure(lab, left, addresses[right], lambda: dockmesh("lab", "crash", "--dir", str(directory), middle))
    measured["longest gap when the middle host dies"] = gap(dead)

    step("It comes back", "it boots, and is part of the mesh again without anybody's hand")
    dockmesh("lab", "start", "--dir", str(directory), middle)
    show_matrix(lab, addresses | {middle: container_address(lab, middle)})
    return measured


def step(title: str, meaning: str) -> None:
    console.print(f"\n[bold blue]━━ {title}[/]  [dim]{meaning}[/]")


def dockmesh(*words: str) -> None:
    """Run it as a person would, with its output on the screen.

    Raises DemoError if it fails.
    """
    console.print(f"[bold]$ dockmesh {' '.join(words)}[/]", soft_wrap=True)
    if (code := subprocess.run((sys.executable, "-m", "dockmesh", *words), check=False).returncode) != 0:
        raise DemoError(f"dockmesh {words[0]} ended with {code}")


def on(lab: Lab, host: str, *argv: str) -> str:
    done = run_on(lab, lab.host(host), argv, timeout_s=120)
    if done.returncode != 0:
        raise DemoError(f"{host}: {' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout.strip()


def start_container(lab: Lab, host: str) -> str:
    """Busybox from the lab's own package source, as an image; its address in the mesh."""
    on(lab, host, "apt-get", "install", "--yes", "--quiet", "busybox-static")
    on(lab, host, "sh", "-c", "tar -C /usr -c bin/busybox | docker import - busybox")
    sleeping = ("--stop-signal", "KILL", "busybox", "/bin/busybox", "sleep", "1000000")
    on(lab, host, "docker", "run", "--detach", "--restart", "always", "--name", CONTAINER, *sleeping)
    return container_address(lab, host)


def container_address(lab: Lab, host: str) -> str:
    return on(lab, host, "docker", "inspect", "--format", "{{.NetworkSettings.IPAddress}}", CONTAINER)


def show_matrix(lab: Lab, addresses: dict[str, str]) -> None:
    """Ping from each container to each other one until it answers, and show how long the answer took."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("container on")
    table.add_column("address")
    for host in addresses:
        table.add_column(f"to {host}")
    for source, address in addresses.items():
        times = ["[dim]–[/]" if source == target else ping(lab, source, addresses[target]) for target in addresses]
        table.add_row(f"[bold]{source}[/]", address, *times)
    console.print(table)


def ping(lab: Lab, host: str, target: str) -> str:
    """The time of the second answer, as the first has to ask for the address by ARP."""
    command = ("docker", "exec", CONTAINER, "/bin/busybox", "ping", "-c", "2", "-W", "1", target)
    end = time.monotonic() + DEADLINE_S
    while (done := run_on(lab, lab.host(host), command, timeout_s=30)).returncode != 0:
        if time.monotonic() > end:
            raise DemoError(f"the container on {host} gets no answer from {target}")
    return f"[green]{done.stdout.split('time=')[-1].splitlines()[0]}[/]"


def measure(lab: Lab, source: str, target: str, harm: Callable[[], None]) -> PingStats:
    """Ping every 10 ms from a container, do the harm, and listen until the answers have come for a while again."""
    with pinging(lab, lab.host(source), target, CONTAINER) as pings:
        if not pings.wait_for_answers(100, DEADLINE_S):
            raise DemoError(f"the container on {source} gets no answer from {target}")
        harm()
        if not pings.wait_for_answers(400, DEADLINE_S):
            raise DemoError(f"{target} did not come back for {source} within {DEADLINE_S} s")
        heard = pings.heard()
    console.print(
        f"{heard.sent} pings sent, one every 10 ms; {heard.sent - heard.answered} lost; "
        f"longest gap [bold green]{heard.longest_ms or 0:.0f} ms[/]"
    )
    return heard


def gap(pings: PingStats) -> str:
    return f"{pings.longest_ms or 0:.0f} ms"


def summary(measured: dict[str, str], seconds: float) -> None:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 0))
    for what, value in measured.items():
        table.add_row(what, f"[bold green]{value}[/]")
    table.add_row("the whole demo", f"{seconds:.0f} s")
    title = "measured just now, on this machine"
    console.print()
    console.print(Panel(table, title=title, expand=False, padding=(1, 2)))


if __name__ == "__main__":
    sys.exit(main())
