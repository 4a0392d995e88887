"""Docker's new settings: taken for real, or the old ones put back; and nobody's container left stopped."""

from collections.abc import Sequence

from dockmesh.apply.types import Look
from dockmesh.diff.host import RESTART_DOCKER
from dockmesh.diff.types import Step
from dockmesh.errors import CommandError
from dockmesh.facts.docker import EVERY_CONTAINER, SOCKET, read_stopped
from dockmesh.facts.gather import DOCKER_UNIT, gather_docker
from dockmesh.facts.types import Container, Docker
from dockmesh.remote.seam import Ask, Put, Remove, Request, Run, Transport, demand
from dockmesh.render import docker

JOURNAL = Run(("journalctl", "--unit=docker.service", "--lines=5", "--output=cat", "--no-pager"))


async def configure(host: Transport, look: Look, step: Step) -> None:
    """Carry out the step, then compare what Docker really uses with what it should.

    Raises CommandError when Docker does not start (the old settings are back then) or took other settings than told.
    """
    first_run = next((at for at, each in enumerate(step.requests) if isinstance(each, Run)), len(step.requests))
    await demand(host, "could not write Docker's settings", *step.requests[:first_run])
    if first_run == len(step.requests):
        return
    try:
        await demand(host, "could not give Docker its pool", *step.requests[first_run:])
    except CommandError as error:
        raise await _put_back(host, look, error) from error
    after = await gather_docker(host)
    before = look.facts.docker
    await start_again(host, before.containers if before else ())
    _compare(look, after)


async def _put_back(host: Transport, look: Look, error: CommandError) -> CommandError:
    report = error.report
    old = look.facts.files.get(docker.DAEMON_JSON)
    journal = (await host.ask(JOURNAL))[0].out.strip()
    back: Request = Remove(docker.DAEMON_JSON) if old is None else Put(docker.DAEMON_JSON, old.text, old.mode)
    answers = await host.ask(back, *RESTART_DOCKER)
    runs = answers[-1].ok
    await start_again(host, look.facts.docker.containers if look.facts.docker else ())
    return CommandError(
        report.what,
        host=report.host,
        ran=report.ran,
        answered=f"{report.answered}\n{journal}".strip(),
        now="the old daemon.json is back, and Docker " + ("runs" if runs else "does not run with it either"),
        do=f"look at `journalctl -u docker` on {host.name}, then run `dockmesh apply` again",
    )


async def start_again(host: Transport, before: Sequence[Container]) -> None:
    """Those without a restart policy stay down after a restart of Docker: we stopped them, we start them.

    Those of `docker run --rm` are gone, as their owner said.
    """
    if not before:
        return
    (answer,) = await host.ask(Ask(SOCKET, EVERY_CONTAINER, DOCKER_UNIT))
    stopped = read_stopped(answer.out) if answer.ok else frozenset()
    if again := [container.id for container in before if container.id in stopped]:
        await demand(host, "could not start the containers again", Run(("docker", "start", *again)))


def _compare(look: Look, after: Docker | None) -> None:
    wanted = look.config.daemon
    address = look.config.docker_bridge.address
    needed = (str(address.ip), str(address.network), wanted.fixed_cidr, wanted.mtu)
    actual = None if after is None else (after.gateway, str(after.prefix), str(after.pool), after.mtu)
    if actual == needed:
        return
    raise CommandError(
        "Docker took other settings than daemon.json says",
        host=look.config.host,
        answered="it does not answer" if actual is None else f"it uses {actual}, not {needed}",
        now="br0 is not in docker0, so no other host is hurt",
        do="look for flags that say otherwise, in /etc/default/docker and in `systemctl cat docker.service`",
    )
