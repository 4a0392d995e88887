"""How long a host may take for an order before it counts as one that hangs.

A host whose sshd lives can hold an order for ever: its disk hangs, a program of its does, or it means to. Each request
has a limit of its own, which the runner there keeps for programs and questions; this is for what reaches nobody there.
"""

from collections.abc import Sequence

from dockmesh.transport.requests import Arm, Ask, Confirm, Exec, Request, RollBack, Transact, Units, Unlock

# All that only reads is answered by then, or the host is given up: whoever looks wants to hear of the others.
READ_S = 30.0
# What one question may take of that, so that a program which hangs is its own failure and not the host's.
QUESTION_S = 20.0
# What the way, the turn (agent/commit_confirm.py), a busy host, and the end of a program that had its time
# (agent/processes.py: twice 10 s) may add to what a request takes by itself.
SPARE_S = 30.0
FILE_S = 5.0
# Of what has no limit of its own. Measured in a lab of three bare hosts on two cores, at a load of 20: to arm 1.5 s, to
# confirm 0.2 s; beside them every other order that writes was done within 1 s, and an installation of everything within
# 43 s. Emulated hosts and slow package sources take far longer, so these are more than twice that.
UNLOCK_S, ARM_S, CONFIRM_S, ROLL_BACK_S = 45.0, 60.0, 60.0, 600.0


def deadline_s(requests: Sequence[Request], *, together: bool) -> float:
    """For the whole order."""
    if together or not requests:
        return READ_S
    return sum(map(limit_s, requests)) + SPARE_S


def limit_s(request: Request) -> float:
    """For one request: as the runner keeps it, or as it was measured for what has no limit there."""
    match request:
        case Exec() | Ask() | Transact():
            return request.timeout_s
        case Units():
            return QUESTION_S
        case Unlock():
            return UNLOCK_S
        case Arm():
            return ARM_S
        case Confirm():
            return CONFIRM_S
        case RollBack():
            return ROLL_BACK_S
        case _:
            return FILE_S
