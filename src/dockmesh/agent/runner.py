"""Runs on a host, as root, for as long as one SSH channel is open: it does what a line asks and answers with a line.

Python's standard library only, Python 3.7 or later: its text and those of the modules that it imports are sent to hosts
that have nothing of ours (agent/texts.py).
It never interprets a shell string. When its standard input ends, so does it; what runs then is run to its end.
Every import here is paid on every host at every command: http.client alone takes as long as all the others together.
"""

from __future__ import annotations

import json
import sys
import threading

from dockmesh.agent import commit_confirm, files, lock, offloads, processes, services
from dockmesh.agent.processes import answer

GREETING = "dockmesh-runner 1"
NO_FILE = 2  # ENOENT
THREADS = 16

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

WORK: dict[str, Callable[..., dict[str, Any]]] = {
    "run": processes.run,
    "put": files.put,
    "get": files.get,
    "putbytes": files.put_bytes,
    "getbytes": files.get_bytes,
    "remove": files.remove,
    "ask": services.ask,
    "find": processes.find,
    "stat": files.stat,
    "last": files.last,
    "gro": offloads.gro,
    "units": services.units,
    "transact": services.transact,
    "lock": lock.lock,
    "unlock": lock.unlock,
    "arm": commit_confirm.arm,
    "begin": commit_confirm.begin,
    "confirm": commit_confirm.confirm,
    "recall": commit_confirm.roll_back,
}
OWN_TURN = ("confirm", "recall")
WAITS = ("run", "ask", "units", "transact")  # for others than the kernel


def do(request: dict[str, Any]) -> dict[str, Any]:
    request = dict(request)
    kind = request.pop("kind")
    try:
        return WORK[kind](**request)
    except FileNotFoundError as error:
        return answer(NO_FILE, err=str(error))
    except (OSError, ValueError) as error:  # ValueError: text or a name that cannot be encoded, an answer not in HTTP
        return answer(1, err=str(error))


def do_order(order: dict[str, Any]) -> list[dict[str, Any]]:
    requests, mode = order["requests"], order["mode"]
    services.active.clear()
    if mode == "together":
        return do_together(requests)
    answers: list[dict[str, Any]] = []
    for request in requests:
        answers.append(do(request))
        if mode == "until failure" and answers[-1]["code"]:
            break
    return answers


def in_turn(order: dict[str, Any]) -> list[dict[str, Any]]:
    """The order, if the host did not roll back meanwhile; each order puts its deadline off."""
    lock.touch()
    if not commit_confirm.is_armed() or any(request["kind"] in OWN_TURN for request in order["requests"]):
        return do_order(order)
    with commit_confirm.turn():
        if commit_confirm.rolled_back():
            if order["mode"] == "together":
                return do_order(order)
            return [commit_confirm.refusal() for _ in order["requests"]]
        commit_confirm.put_off()
        answers = do_order(order)
        commit_confirm.put_off()
        return answers


def do_together(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What only reads. A file is read at once; what waits for others waits in a thread."""
    answers: dict[int, dict[str, Any]] = {}
    waits = [request["kind"] in WAITS for request in requests]
    slow = iter([place for place, wait in enumerate(waits) if wait])
    threads = [threading.Thread(target=fill, args=(answers, requests, slow)) for _ in range(min(sum(waits), THREADS))]
    for thread in threads:
        thread.start()
    fill(answers, requests, iter([place for place, wait in enumerate(waits) if not wait]))
    for thread in threads:
        thread.join()
    return [answers[place] for place in range(len(requests))]


def fill(answers: dict[int, dict[str, Any]], requests: list[dict[str, Any]], places: Iterator[int]) -> None:
    for place in places:
        answers[place] = do(requests[place])


def serve() -> None:
    sys.stdout.write(" ".join([GREETING, *sys.argv[1:]]) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(in_turn(json.loads(line))) + "\n")
        sys.stdout.flush()
