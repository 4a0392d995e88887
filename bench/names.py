"""Names of containers: how fast they are told, how many a second, how right they stay, and what the resolver takes."""

import json
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from bench.names_asked import BUILD, LATENCY, QUESTIONS, RATE, SLEEPER, WATCH, finds, python
from bench.rows import Row, say
from bench.swarm_names import Names, compared
from bench.world import answer, mesh, wait
from dockmesh.lab.model import Lab
from dockmesh.lab.ssh import run_on

UNIT = "dockmesh-names.service"
CONTAINERS, A_SECOND, SECONDS = 300, 10, 60
# A name is late that is not told, or is told still, after this long: docker's word counts from its own events.
LATE_S = 0.5
NEVER = float("inf")
UNSURE = 2  # SERVFAIL: a host did not answer in time, ask again
# All starts and ends of containers by Docker's own events, with the addresses that Docker gave.
EVENTS = "timeout {seconds} docker events --filter type=container --filter event=start --filter event=die --format json"


@dataclass(frozen=True)
class Life:
    """A container was there from one moment to another, in seconds since 1970."""

    begun: float
    ended: float
    address: str


def names(runs: int) -> list[Row]:
    rows = []
    with mesh("direct") as lab:
        for host in lab.hosts:
            answer(lab, host.name, f"{BUILD}; docker run --name web-{host.name} {SLEEPER} >/dev/null; echo done")
        here, there = (host.name for host in lab.hosts[:2])
        server = _address(lab, here)
        wait(finds(lab, here, f"web-{here}", server, f"web-{there}.mesh"), "names are told")
        rtt = [_underlay_round_trip_ms(lab, here, there) for _ in range(runs)]
        local = [_median_ms(lab, here, server, f"web-{here}.mesh") for _ in range(runs)]
        remote = [_median_ms(lab, here, server, f"web-{there}.mesh") for _ in range(runs)]
        rows.append(Row("a name of the same host, bare questions, median", tuple(local), "ms (of 2,000)", 1.0))
        rows.append(Row("the underlay's round trip beside it, median of 100 pings", tuple(rtt), "ms (of 100)"))
        beyond = tuple(each - way for each, way in zip(remote, rtt, strict=True))
        rows.append(Row("a name of another host, beyond that round trip", beyond, "ms (of 2,000)", 1.0))
        rates = tuple(_rate(lab, here, server, f"web-{here}.mesh") for _ in range(runs))
        rows.append(Row("questions a second for a name of the same host", rates, "a second", 2000, least=True))
        rows += _churn(lab)
        memory = tuple(_memory_mib(lab, host.name) for host in lab.hosts)
        rows.append(Row(f"memory of the resolvers after {CONTAINERS} containers", memory, "MiB", 40, each=True))
    with mesh("direct") as lab:
        for host in lab.hosts:
            answer(lab, host.name, f"{BUILD}; docker run --name web-{host.name} {SLEEPER} >/dev/null; echo done")
        here, there = (host.name for host in lab.hosts[:2])
        rows += compared(
            lab, Names("dockmesh", "bridge", (f"web-{here}", f"web-{there}"), _address(lab, here), ".mesh")
        )
    return rows


def _address(lab: Lab, host: str) -> str:
    return answer(lab, host, "docker network inspect bridge --format '{{(index .IPAM.Config 0).Gateway}}'")


def _median_ms(lab: Lab, host: str, server: str, name: str) -> float:
    took: list[float] = json.loads(python(lab, host, LATENCY, server, name, str(QUESTIONS), inside=f"web-{host}"))
    return took[len(took) // 2] * 1000


def _rate(lab: Lab, host: str, server: str, name: str) -> float:
    return float(python(lab, host, RATE, server, name, "5", "8", inside=f"web-{host}"))


def _underlay_round_trip_ms(lab: Lab, here: str, there: str) -> float:
    target = lab.host(there).address
    out = answer(lab, here, f"ping -q -c 100 -i 0.01 {target} | tail -1")
    return float(out.split("=")[1].split("/")[1])


def _memory_mib(lab: Lab, host: str) -> float:
    show = f"grep VmRSS /proc/$(systemctl show --property=MainPID --value {UNIT})/status"
    return int(answer(lab, host, show).split()[1]) / 1024


def _churn(lab: Lab) -> list[Row]:
    """A third of the containers on each host; ten a second start and stop in turns, on all hosts together."""
    share = CONTAINERS // len(lab.hosts)
    fleet = {host.name: [f"c{number}-{host.name}" for number in range(share)] for host in lab.hosts}
    say(f"  starting {CONTAINERS} containers")
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda host: _start_all(lab, host, fleet[host]), fleet))
    everyone = [name for each in fleet.values() for name in each]
    since = time.time()
    running = {host: _running(lab, host) for host in fleet}
    with ThreadPoolExecutor(3 * len(fleet)) as pool:
        events = {host: pool.submit(_events, lab, host, since) for host in fleet}
        heard = {host: pool.submit(_watch, lab, host, everyone) for host in fleet}
        turning = [pool.submit(_turn, lab, host, fleet[host], A_SECOND / len(fleet)) for host in fleet]
        turned = sum(each.result() for each in turning)
        lives = {name: each for host in fleet for name, each in _lives(running[host], events[host].result()).items()}
        said = [each for host in fleet for each in heard[host].result()]
    verdicts = Counter(_verdict(lives, tuple(each)) for each in said)
    say(f"  {turned} starts and stops, {len(said)} answers: {dict(verdicts)}")
    wrong = tuple(float(verdicts[word]) for word in ("wrong", "late", "lost", "unsure"))
    slow = tuple((each[1] - each[0]) * 1000 for each in said)
    return [
        Row(f"{CONTAINERS} containers, {A_SECOND} start or stop a second: starts and stops", (float(turned),), "times"),
        Row(f"answers in these {SECONDS} s, asked at random on every host", (float(len(said)),), "times"),
        Row("of these wrong: an address that was another's", wrong[:1], "times", 0, each=True),
        Row(f"of these late: by more than {LATE_S:g} s beside Docker's own events", wrong[1:2], "times", 0, each=True),
        Row("of these without an answer within 2 s", wrong[2:3], "times", 0, each=True),
        Row("of these told to ask again, for a host was too busy to answer", wrong[3:], "times"),
        Row("the slowest of these answers", (max(slow),), "ms", 100, each=True),
    ]


def _start_all(lab: Lab, host: str, named: list[str]) -> None:
    listed = " ".join(named)
    command = f"for name in {listed}; do docker run --name $name {SLEEPER} >/dev/null || exit 1; done; echo done"
    done = run_on(lab, lab.host(host), ("sh", "-c", command), timeout_s=900)
    if done.returncode != 0:
        raise SystemExit(f"{host}: {done.stderr[-500:]}")


def _turn(lab: Lab, host: str, named: list[str], a_second: float) -> int:
    """Stop one, start another, as often as asked for; how many that were."""
    program = (
        "import random, subprocess, sys, time\n"
        "names, a_second, seconds = sys.argv[1].split(','), float(sys.argv[2]), float(sys.argv[3])\n"
        "down, done, running = [], 0, []\n"
        "began = time.monotonic()\n"
        "while time.monotonic() < began + seconds:\n"
        "    if len(down) > 3:\n"
        "        running.append(subprocess.Popen(['docker', 'start', down.pop(0)], stdout=subprocess.DEVNULL))\n"
        "    else:\n"
        "        name = random.choice([each for each in names if each not in down]); down.append(name)\n"
        "        running.append(subprocess.Popen(['docker', 'kill', name], stdout=subprocess.DEVNULL))\n"
        "    done += 1\n"
        "    time.sleep(max(0, began + done / a_second - time.monotonic()))\n"
        "print(sum(each.wait() == 0 for each in running))\n"
    )
    return int(python(lab, host, program, ",".join(named), str(a_second), str(SECONDS - 5)))


def _watch(lab: Lab, host: str, everyone: list[str]) -> list[Any]:
    asked = random.sample(everyone, len(everyone))
    words = (_address(lab, host), str(SECONDS - 4), "0.02", ",".join(f"{name}.mesh" for name in asked))
    found: list[Any] = json.loads(python(lab, host, WATCH, *words, inside=f"web-{host}"))
    return found


def _running(lab: Lab, host: str) -> dict[str, str]:
    """By container that runs its address."""
    show = "docker ps --quiet | xargs docker inspect --format '{{.Name}}={{.NetworkSettings.IPAddress}}' | tr '\\n' ' '"
    pairs = (each.split("=") for each in answer(lab, host, show).split())
    return {name.lstrip("/"): address for name, address in pairs}


def _events(lab: Lab, host: str, since: float) -> list[tuple[str, str, float, str]]:
    """Container, action, time and address, by Docker's events; the address is asked for at each start."""
    program = (
        "import json, subprocess, sys\n"
        f"follow = {EVENTS.format(seconds=SECONDS).split()!r} + ['--since', sys.argv[1]]\n"
        "inspect = ['docker', 'inspect', '--format', '{{.NetworkSettings.IPAddress}}']\n"
        "events, found = subprocess.Popen(follow, stdout=subprocess.PIPE, text=True), []\n"
        "for line in events.stdout:\n"
        "    event = json.loads(line); name, address = event['Actor']['Attributes']['name'], ''\n"
        "    if event['Action'] == 'start':\n"
        "        address = subprocess.run([*inspect, name], capture_output=True, text=True).stdout.strip()\n"
        "    found.append([name, event['Action'], event['timeNano'] / 1e9, address])\n"
        "print(json.dumps(found))\n"
    )
    found: list[tuple[str, str, float, str]] = json.loads(python(lab, host, program, f"{since:.3f}"))
    return found


def _lives(running: dict[str, str], events: list[tuple[str, str, float, str]]) -> dict[str, list[Life]]:
    lives = {name: [Life(0, NEVER, address)] for name, address in running.items()}
    for name, action, when, address in events:
        if action == "start":
            lives[name].append(Life(when, NEVER, address))
        else:
            lives[name][-1] = replace(lives[name][-1], ended=when)
    return lives


def _verdict(lives: dict[str, list[Life]], said: tuple[float, float, str, int, str]) -> str:
    """What is told is right if it was so at some moment between half a second before the question and the answer."""
    asked, told, name, code, address = said
    if code < 0:
        return "lost"
    if code == UNSURE:
        return "unsure"
    known = lives[name.removesuffix(".mesh")]
    near = [life for life in known if life.begun <= told and life.ended >= asked - LATE_S]
    if address:
        if any(life.address in ("", address) for life in near):
            return "right"
        return "late" if any(life.address in ("", address) for life in known) else "wrong"
    # Docker takes a container off its network a moment before it says that it ended.
    steady = [life for life in near if life.begun <= asked - LATE_S and life.ended >= told + LATE_S]
    return "late" if steady else "right"
