"""The rollback of one run on one host, for agent/back.py: pure."""

import json
from collections.abc import Collection, Iterable

from dockmesh.agent.texts import text_of
from dockmesh.diff.docker import leaves_docker0
from dockmesh.diff.quiesce import without_changing
from dockmesh.diff.recreate import must_be_recreated
from dockmesh.diff.types import HostDiff, StepName
from dockmesh.facts.types import HostFacts
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.record.run import Run
from dockmesh.render import names, ports
from dockmesh.render.paths import API_UNIT, ATTACH_UNIT, FLOWS_UNIT, UNIT
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Exec as Command
from dockmesh.transport.requests import Request, as_line
from dockmesh.undo import restore

RESTART = "restart Docker"  # begun by itself: what only writes Docker's file has no need of it
# What a power cut left unpacked and not set up: apt does nothing until that is done, and Docker would not start.
# Another apt may be at work, as one of a run that was killed: its lock is waited for.
AFTER_DPKG_S = 300
AFTER_DPKG = text_of("after_dpkg")
FINISH_EARLIER = Command(
    (
        *("python3", "-I", "-S", "-c", AFTER_DPKG, str(AFTER_DPKG_S)),
        *("dpkg", "--force-confdef", "--force-confold", "--configure", "-a"),
    ),
    timeout_s=900,
)
LINK_STEPS = (StepName.DETACH, RESTART, StepName.FABRIC, StepName.ATTACH)
# To attach starts the unit, which makes the networks' bridges, too.
NETWORK_STEPS = (StepName.LEAVE, StepName.ATTACH, StepName.NETWORKS)
OTHERS = tuple((unit, "restart") for unit in (names.UNIT, ATTACH_UNIT, ports.UNIT))
FLOW_STEPS = (StepName.QUIESCE, StepName.FILES, StepName.FABRIC)
# Steps that only write a file, which counts from the next boot on: for Docker, and for the bridges by ifupdown.
WRITING_STEPS = (StepName.DOCKER, StepName.FILES)


def rollback(
    run: Run,
    config: HostConfig,
    facts: HostFacts,
    diff: HostDiff,
    *,
    stay_out: bool = False,
    held_back: Collection[str] = (),
) -> str:
    """armed.json: in the order of apply, so that nobody is attached with addresses on their way.

    A part is taken only if one of the steps that it undoes was begun; after a boot in between, also if one was that
    wrote what the boot took. Packages stay.
    """
    bridge = facts.bridge(FABRIC_BRIDGE)
    recreated = bridge is not None and must_be_recreated(config, bridge)
    # Its tunnels go before it does, and its rollback recreates it then, too.
    link_steps = (*LINK_STEPS, StepName.QUIESCE) if recreated else LINK_STEPS
    came = [] if "dockerd" in facts.programs else [StepName.INSTALL]  # with this run
    daemon_steps = [RESTART, *came]
    parts = (
        _part("br0 out of docker0", link_steps, (restore.NO_MASTER,), booted=WRITING_STEPS, must=False),
        _part("Docker's file", [StepName.DOCKER, *daemon_steps], restore.docker_file(facts)),
        _part("packages", [StepName.INSTALL], (FINISH_EARLIER,) if facts.package_manager else (), must=False),
        # Where Docker came with this run, its installation may not have got that far.
        _part(
            "Docker",
            daemon_steps,
            restore.docker_daemon(facts, only_restart=facts.docker is not None and leaves_docker0(diff)),
            booted=[StepName.DOCKER],
            must=not came,
        ),
        _part("the containers", daemon_steps, restore.containers(facts), booted=[StepName.DOCKER], must=False),
        _part("the units", [StepName.FILES, StepName.ATTACH], restore.own_units(facts), must=False),
        _part(
            "networks that came",
            NETWORK_STEPS,
            restore.networks_that_came(facts, config),
            booted=[StepName.FILES],
            must=False,
        ),
        _part(
            "files",
            [StepName.FILES, StepName.QUIESCE],
            restore.own_files(facts, without_changing(config, facts)),
        ),
        _part(
            "rules that came",
            [StepName.FILES],
            restore.rules_that_came(facts),
            booted=[StepName.FILES],
            must=False,
        ),
        _part("keys", [StepName.KEYS], restore.keys(facts), must=False),
        _part("encryption", [StepName.KEYS, StepName.FILES], restore.locks(facts), must=False),
        _part("tunnels", [StepName.FABRIC], restore.tunnels(facts, config), booted=[StepName.FILES], must=False),
        _part(
            "the fabric",
            [StepName.FABRIC, StepName.LEAVE, *([StepName.QUIESCE] if recreated else [])],
            restore.fabric(facts, config, recreated=recreated),
            booted=[StepName.FILES],
            must=bridge is not None,
        ),
        _part(
            "encryption that came",
            [StepName.FILES],
            restore.locks_that_came(facts, encrypted=config.encrypted),
            booted=[StepName.FILES],
        ),
        _part("flows", FLOW_STEPS, restore.flows(facts), booted=[StepName.FILES]),
        _part(
            "networks",
            [*NETWORK_STEPS, StepName.FABRIC],
            restore.networks(facts, config, held_back),
            booted=[StepName.FILES],
        ),
        _part("docker0", link_steps, restore.links(facts, config, stay_out=stay_out), booted=WRITING_STEPS),
    )
    return json.dumps({"version": 1, "run": run.json(), "parts": parts, "last": _last(facts, stay_out=stay_out)}) + "\n"


def _last(facts: HostFacts, *, stay_out: bool) -> list[dict[str, object]]:
    """What ends it: the units that ran, for they do not start while the host rolls back."""
    return [
        as_line(Command(("systemctl", verb, "--no-block", unit)))
        for unit, verb in ((UNIT, "start"), (FLOWS_UNIT, "restart"), (API_UNIT, "restart"), *OTHERS)
        if facts.units.get(unit, {}).get("ActiveState") == "active" and not (unit == UNIT and stay_out)
    ]


def _part(
    name: str, steps: Iterable[str], requests: tuple[Request, ...], *, booted: Iterable[str] = (), must: bool = True
) -> dict[str, object]:
    return {
        "name": name,
        "when": [str(step) for step in steps],
        "booted": [str(step) for step in booted],
        "requests": [as_line(request) for request in requests],
        "must": must,
    }
