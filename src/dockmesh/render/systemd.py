"""The fabric and its bridges as a unit of systemd and its script: `renderer: systemd`."""

from dockmesh.plan.types import HostPlan
from dockmesh.render import bridge, ovs
from dockmesh.render.paths import BOOT_DEADLINE_S, DOCKER_DROP_IN, UNIT_FILE, UP
from dockmesh.render.template import Words, from_template
from dockmesh.render.types import File, Setting


def files(host: HostPlan, settings: tuple[Setting, ...], words: Words) -> tuple[File, ...]:
    transaction = ovs.transaction(settings, host.tunnels, host.further, attachments=host.attachments)
    words = {
        **words,
        "clauses": _clauses(ovs.make_sure_argv(transaction, BOOT_DEADLINE_S)),
        "make": {each.bridge: bridge.make(each) for each in host.networks},
        "set_up": {each.bridge: (*bridge.set_up(each), *bridge.attach(each)) for each in host.networks},
    }
    return (
        from_template("up.sh.j2", UP, words),
        from_template("dockmesh.service.j2", UNIT_FILE, words),
        from_template("docker.conf.j2", DOCKER_DROP_IN, words),
    )


def _clauses(argv: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """An ovs-vsctl command line, cut before each `--`, for one clause a line."""
    clauses: list[list[str]] = [[]]
    for word in argv:
        if word == "--":
            clauses.append([])
        clauses[-1].append(word)
    return tuple(map(tuple, clauses))
