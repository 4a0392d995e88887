"""The rollback: runs on a host, by systemd, when a run was not confirmed in time, is ended, or died with the host.

Python's standard library only, Python 3.7 or later. It needs nobody: what it does stands in armed.json.
It may be ended at any moment, by a crash of the host too, and begins again after the next boot.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from dockmesh.agent import commit_confirm, files, lock, runner
from dockmesh.agent.replace import sync_folder

POLL_S = 0.2


def main() -> None:
    if not os.path.exists(commit_confirm.RETURNING) and not fence():
        return
    with open(commit_confirm.RETURNING, encoding="utf-8") as file:
        order = json.load(file)
    if was_left_alone():
        end_armer()
    failures = roll_back(order)
    ended = "gone back" if not failures else "gone back, but for what failed"
    line = {**order["run"], "ended": ended, "failures": failures, "changes": []}
    try:
        commit_confirm.note_run(json.dumps(line))
    except OSError as error:  # a full disk: that it is back counts, not that it is written down
        failures.append(str(error))
    commit_confirm.disarm()
    for request in order["last"]:
        runner.do(request)
    for failure in failures:
        sys.stderr.write(failure + "\n")


def fence() -> bool:
    """Wait for the deadline, then take the turn for good: the runner finds no armed.json any more."""
    while os.path.exists(commit_confirm.ARMED):
        if is_over():
            with commit_confirm.turn():
                if os.path.exists(commit_confirm.ARMED) and is_over():
                    os.rename(commit_confirm.ARMED, commit_confirm.RETURNING)
                    sync_folder(commit_confirm.RETURNING)
                    return True
        time.sleep(POLL_S)
    return False


def is_over() -> bool:
    """Without a deadline in /run the host was booted since, and whoever armed it is gone."""
    try:
        with open(commit_confirm.DEADLINE, encoding="utf-8") as file:
            return commit_confirm.now() >= float(file.read())
    except (OSError, ValueError):
        return True


def was_left_alone() -> bool:
    """By a time-out. Who asked for it, by a deadline of 0, waits for it at work."""
    try:
        with open(commit_confirm.DEADLINE, encoding="utf-8") as file:
            return float(file.read()) > 0
    except (OSError, ValueError):
        return False


def end_armer() -> None:
    """Its connection may seem to be open for hours yet, and with it it would keep the lock."""
    try:
        with open(commit_confirm.ARMER, encoding="utf-8") as armer, open(lock.LOCK, encoding="utf-8") as owner:
            if int(armer.read()) == int(json.load(owner)["pid"]):
                lock.unlock()
    except (OSError, ValueError, KeyError, TypeError):
        pass  # it had no lock


def roll_back(order: dict[str, Any]) -> list[str]:
    """Undo the steps that were begun; what could not be undone, in words."""
    files.discard(commit_confirm.BALLAST)
    failures = []
    steps, since_boot = begun(), was_booted()
    for part in order["parts"]:
        if not steps.intersection([*part["when"], *(part["booted"] if since_boot else ())]):
            continue
        for request in part["requests"]:
            if is_so_already(request):
                continue
            done = runner.do(request)
            if done["code"] and part["must"]:
                said = (done["err"].strip() or done["out"].strip() or "nothing").splitlines()[0]
                failures.append(f"{part['name']}: exit {done['code']}: {said}")
    return failures


def begun() -> set[str]:
    try:
        with open(commit_confirm.BEGUN, encoding="utf-8") as file:
            return set(file.read().splitlines())
    except OSError:
        return set()


def was_booted() -> bool:
    """Since the run began. What starts at a boot takes the files that it finds, also those that nobody made it take."""
    return not os.path.exists(commit_confirm.ARMER)


def is_so_already(request: dict[str, Any]) -> bool:
    """A file that never changed needs no room on a full disk."""
    if request["kind"] == "put":
        return files.holds(request["path"], request["text"], request["mode"])
    return request["kind"] == "remove" and not os.path.exists(request["path"])


if __name__ == "__main__":
    main()
