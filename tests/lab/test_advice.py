"""An advice is a promise: every harm of the table is made, what is advised is done to the letter, and it is gone."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.mesh import BUILD_IMAGE, DOCKMESH, Mesh, run, wait_until
from tests.support.advice import LAB, VERBS, Made, Order, made

GONE_S = 40  # BFD, a spanning tree, Docker and a resolver that come up
# Commands that only look: whoever follows the advice finds out by them what to do, which is `mend`.
LOOKS = (
    "dockmesh diff",
    "dockmesh verify",
    "journalctl",
    "tcpdump",
    "ping",
    "ss",
    "systemctl status",
    "systemctl cat",
    "docker info",
    "ssh",
)
# What is no command, but a name, a key or a word of somebody's configuration.
NO_COMMAND = re.compile(r"--|[\w.-]+\.service$|\w+:|access$|attach$|docker_api$|hosts$")
# What is left of harms that advice only makes harmless.
CLEAN = (
    "docker rm -f twin stray thief full1 full2 full3 full4; ovs-vsctl --if-exists del-br mine;"
    "for verdict in DROP ACCEPT; do iptables -D INPUT -i docker0 -p udp --dport 53 -j $verdict; done"
)
CASES = [
    pytest.param(verb, case, id=f"{verb}: {case.name}", marks=pytest.mark.long)
    for forwarding in ("direct", "rstp")
    for verb, table in VERBS.items()
    for entries in table.values()
    for entry in entries
    for case in made(entry)
    if case.forwarding == forwarding
]


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh) -> Mesh:
    mesh = make_mesh("--prepared", forwarding="direct")
    assert run(*DOCKMESH, "network", "add", "blue", "--prefix", "10.80.0.0/16", "-f", str(mesh.file)).code == 0
    mesh.apply()
    mesh.on_all(lambda host: mesh.on(host, BUILD_IMAGE))
    return mesh


@pytest.fixture(autouse=True)
def well(mesh: Mesh, request: pytest.FixtureRequest) -> Iterator[None]:
    """As it is to be before each harm and after it, whatever came of it."""
    case: Made = request.node.callspec.params["case"] if hasattr(request.node, "callspec") else Made("", (), "")
    if f"forwarding: {case.forwarding}" not in mesh.file.read_text():
        mesh.choose("forwarding", case.forwarding)
        mesh.apply()
    wait_until(lambda: mesh.dockmesh("status").code == 0, "all is well before the harm")
    yield
    mesh.lab("heal")
    mesh.on_all(lambda host: mesh.ssh(host, CLEAN))
    mesh.apply()


def look(mesh: Mesh, verb: str) -> list[dict[str, Any]]:
    """What is not right, in one form: hosts, what, do."""
    answer = mesh.dockmesh(verb, "--json").json()
    found = [*answer.get("findings", ()), *answer.get("warnings", ()), *answer.get("causes", ())]
    return [
        {"hosts": each["hosts"], "what": each.get("what") or each.get("seen"), "do": each["do"]}
        for each in found
        if each.get("level") != "fine"
    ]


def named(mesh: Mesh, verb: str, case: Made) -> dict[str, Any] | None:
    return next((each for each in look(mesh, verb) if case.words in each["what"]), None)


def carry_out(mesh: Mesh, orders: tuple[Order, ...]) -> None:
    for host, command in orders:
        if host == LAB:
            mesh.lab(*command.split())
        else:
            mesh.on(host, command)


def commands(advice: dict[str, Any]) -> list[tuple[str, str]]:
    """In their order, with the host that each is for: the one named after it, or else the first that is at fault."""
    return [
        (where or advice["hosts"][-1], words)
        for words, where in re.findall(r"`([^`]+)`(?:[^`]*?\bon (host\d))?", advice["do"])
        if not NO_COMMAND.match(words) and not words.startswith(LOOKS)
    ]


def follow(mesh: Mesh, host: str, words: str) -> None:
    if words.startswith("dockmesh "):
        verb, *options = words.split()[1:]
        # Its proof is what is looked at next.
        done = mesh.dockmesh(verb, *options, *(["--yes", "--no-verify"] if verb == "apply" else []))
        assert verb != "apply" or "changes made" in done.out, f"apply saw nothing to do:\n{done.out}{done.err}"
    else:
        mesh.on(host, words)


@pytest.mark.parametrize(("verb", "case"), CASES)
def test_what_is_advised_ends_it(mesh: Mesh, verb: str, case: Made) -> None:
    carry_out(mesh, case.harm)
    seen: list[dict[str, Any]] = []

    def is_named() -> bool:
        seen.extend(filter(None, [named(mesh, verb, case)]))
        return bool(seen)

    wait_until(is_named, f"{verb} names it", GONE_S)
    advice = seen[0]
    ended = False
    for host, words in commands(advice):
        follow(mesh, host, words)
        ended = is_gone(mesh, verb, case)
        if ended:
            break
    if not ended:
        assert case.mend, f"what is advised does not end it: {advice}"
        carry_out(mesh, case.mend)
        assert is_gone(mesh, verb, case), f"it is not gone: {advice}"


def is_gone(mesh: Mesh, verb: str, case: Made) -> bool:
    end = time.monotonic() + GONE_S
    while named(mesh, verb, case) is not None:
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True


@pytest.mark.long
def test_a_pool_that_is_full(mesh: Mesh) -> None:
    """Its advice has two ways; the second is that of the mesh file, here as it was before."""
    text = mesh.file.read_text()
    mesh.edit("pool: 172.17.128.0/18", "pool: 172.17.128.0/30")
    mesh.apply()
    for number in range(1, 5):
        mesh.start_container("host2", f"full{number}")
    full = Made("", (), "is full")

    told = [named(mesh, verb, full) for verb in ("verify", "status")]
    mesh.on("host2", "docker rm -f full4")
    gone = [named(mesh, verb, full) for verb in ("verify", "status")]
    mesh.start_container("host2", "full4")
    mesh.file.write_text(text)
    mesh.apply()

    assert [each and each["do"] for each in told] == [
        "remove containers that nobody needs, or write a larger pool into the mesh file and run `dockmesh apply`"
    ] * 2
    assert gone == [None, None]
    assert [named(mesh, verb, full) for verb in ("verify", "status")] == [None, None]
