"""Do to a mesh what the table of advices names, and follow to the letter what is advised."""

import re
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML

from tests.lab.mesh import DOCKMESH, Mesh, run, wait_until
from tests.support.advice import LAB, Made, Order

GONE_S = 40  # BFD, a spanning tree, Docker and a resolver that come up
LOOK_S = 5  # a command that looks and does not end by itself is stopped then
# Commands that only look: whoever follows the advice finds out by them what to do.
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
    "ip route get",
    "ssh",
)
# What a shell or a program says of a command that it cannot carry out.
REFUSED = re.compile(r"usage:|unrecognized option|invalid option|unknown (option|command|operation)|not found", re.I)
# Names, keys and options that an advice mentions.
NO_COMMAND = re.compile(
    r"--|[\w.-]+\.service$|\[|[\w-]+=|(access|accept_ra|attach|bind-interfaces|docker_api|fabric|hosts|key|listen-on)$"
)
SETTING = re.compile(r"(\w+): (.+)")
SYSCTLS = re.compile(r"set (net\.[\w.]+)(?: and (net\.[\w.]+))? to (\d)")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that an advice says to do: a command, a look, or a setting of the mesh file."""

    kind: str
    host: str
    words: str


def steps(advice: dict[str, Any]) -> Iterator[Step]:
    """In their order, with the host that each is for: the one named after it, or else the last that is at fault."""
    default = advice["hosts"][-1]
    for first, second, value in SYSCTLS.findall(advice["do"]):
        yield Step("command", default, f"sysctl -q -w {' '.join(f'{key}={value}' for key in (first, second) if key)}")
    for words, where in re.findall(r"`([^`]+)`(?:[^`]*?\bon (host\d))?", advice["do"]):
        host = where or default
        if SETTING.fullmatch(words):
            yield Step("setting", host, words)
        elif re.match(rf"({'|'.join(LOOKS)})\b", words):
            yield Step("look", host, words)
        elif not NO_COMMAND.match(words):
            yield Step("command", host, words)


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


def follow(mesh: Mesh, step: Step, do: str) -> None:
    if step.kind == "look":
        look_on(mesh, step)
    elif step.kind == "setting":
        put_into_file(mesh, step, do)
    elif step.words.startswith("dockmesh "):
        verb, *options = step.words.split()[1:]
        # Its proof is what is looked at next.
        done = mesh.dockmesh(verb, *options, *(["--yes", "--no-verify"] if verb == "apply" else []))
        assert verb != "apply" or "changes made" in done.out, f"apply saw nothing to do:\n{done.out}{done.err}"
    else:
        mesh.on(step.host, step.words)


def look_on(mesh: Mesh, step: Step) -> None:
    """Of a command that looks, its host must know the program and take its words."""
    if step.words.startswith("dockmesh "):
        done = mesh.dockmesh(*step.words.split()[1:])
        assert done.code in (0, 1), done.err
        return
    if step.words.startswith("ssh "):
        # From here, to a host that may be down.
        done = run("ssh", "-o", f"ConnectTimeout={LOOK_S}", *step.words.split()[1:], "true")
        assert not REFUSED.search(done.err), done.err
        return
    if mesh.ssh(step.host, "true").code:
        return  # the host is down, which is what the advice is about
    done = mesh.ssh(step.host, f"timeout --signal=INT {LOOK_S} {step.words} 2>&1")
    assert done.code not in (126, 127), f"{step.host}: {step.words}: {done.out}"
    assert not REFUSED.search(done.out[:500]), f"{step.host}: {step.words}: {done.out[:500]}"


def put_into_file(mesh: Mesh, step: Step, do: str) -> None:
    """Where the advice says so: under `fabric`, for the host, or at the top."""
    yaml = YAML()
    text = yaml.load(mesh.file.read_text())
    key, value = SETTING.fullmatch(step.words).groups()  # type: ignore[union-attr]
    if "`fabric`" in do:
        place = text["fabric"]
    elif "for this host" in do:
        place = text["hosts"][step.host]
    else:
        place = text
    place[key] = yaml.load(value)
    with mesh.file.open("w") as file:
        yaml.dump(text, file)
    assert run(*DOCKMESH, "plan", "--file", str(mesh.file)).code == 0, shlex.quote(mesh.file.read_text())


def is_gone(mesh: Mesh, verb: str, case: Made, within_s: float = GONE_S) -> bool:
    end = time.monotonic() + within_s
    while named(mesh, verb, case) is not None:
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True


def assert_advice_ends_it(mesh: Mesh, verb: str, case: Made) -> None:
    """Do the harm, follow the verb's advice step by step, and see that the verb does not name it any more.

    Looks change nothing; of several ways that an advice gives the first that helps is enough.
    """
    carry_out(mesh, case.harm)
    seen: list[dict[str, Any]] = []

    def is_named() -> bool:
        seen.extend(filter(None, [named(mesh, verb, case)]))
        return bool(seen)

    wait_until(is_named, f"{verb} names it", GONE_S)
    advice = seen[0]
    todo = list(steps(advice))
    changing = [step for step in todo if step.kind != "look"]
    assert bool(changing) != bool(case.mend), f"it is the advice that has to end it, or a person: {advice}"
    for step in todo:
        follow(mesh, step, advice["do"])
        if step in changing and is_gone(mesh, verb, case, GONE_S if step == changing[-1] else GONE_S / 4):
            return
    assert case.mend, f"what is advised does not end it: {advice}"
    carry_out(mesh, case.mend)
    assert is_gone(mesh, verb, case), f"it is not gone: {advice}"
