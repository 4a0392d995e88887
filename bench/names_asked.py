"""Names asked for on lab hosts, by programs that run there."""

import json
import time

from dockmesh.lab.model import Lab
from dockmesh.lab.ssh import run_on

QUESTIONS = 2000
IMAGE = "busybox"
BUILD = (
    f"docker image inspect {IMAGE} >/dev/null 2>&1 || "
    f"tar -C /usr -c bin/busybox | docker import --change 'ENTRYPOINT [\"/bin/busybox\"]' - {IMAGE} >/dev/null"
)
SLEEPER = f"--detach --stop-signal KILL --log-driver none {IMAGE} sleep 1000000"
# Asks one question after the other, each once the one before is answered; the median of all in microseconds.
LATENCY = """
import json, socket, struct, sys, time
server, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
question = b"".join(bytes([len(each)]) + each.encode() for each in name.split(".")) + b"\\0\\0\\1\\0\\1"
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(5)
asking.connect((server, 53))
took = []
for number in range(1, count + 1):
    began = time.perf_counter()
    asking.send(struct.pack("!6H", number, 0x100, 1, 0, 0, 0) + question)
    answered = asking.recv(4096)
    took.append(time.perf_counter() - began)
    assert answered[3] & 15 == 0, answered
print(json.dumps(sorted(took)))
"""
# Keeps `window` questions on their way for some seconds; how many were answered.
RATE = """
import socket, struct, sys, time
server, name, seconds, window = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
question = b"".join(bytes([len(each)]) + each.encode() for each in name.split(".")) + b"\\0\\0\\1\\0\\1"
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(1)
asking.connect((server, 53))
message = struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + question
for _ in range(window):
    asking.send(message)
answered, end = 0, time.monotonic() + seconds
while time.monotonic() < end:
    asking.recv(4096)
    answered += 1
    asking.send(message)
print(answered / seconds)
"""
# Asks for random names until its time is up, and writes down when, for what, how long it took, and what was told.
WATCH = """
import json, random, socket, struct, sys, time
server, seconds, pause, names = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4].split(",")
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(2)
asking.connect((server, 53))
said, number, end = [], 0, time.monotonic() + seconds
while time.monotonic() < end:
    number = number % 60000 + 1
    name = random.choice(names)
    question = b"".join(bytes([len(each)]) + each.encode() for each in name.split(".")) + b"\\0\\0\\1\\0\\1"
    began = time.time()
    asking.send(struct.pack("!6H", number, 0x100, 1, 0, 0, 0) + question)
    try:
        while True:
            answered = asking.recv(4096)
            if answered[:2] == struct.pack("!H", number):
                break
        code = answered[3] & 15
        told = socket.inet_ntoa(answered[-4:]) if not code and answered[7] else ""
    except OSError:
        code, told = -1, ""
    said.append([began, time.time(), name, code, told])
    time.sleep(pause)
print(json.dumps(said))
"""


def python(lab: Lab, host: str, program: str, *words: str, inside: str = "") -> str:
    """What a program says that runs on the host, or in the network of a container there."""
    pid = f"$(docker inspect --format '{{{{.State.Pid}}}}' {inside})"
    where = f"nsenter --net=/proc/{pid}/ns/net " if inside else ""
    command = f"{where}python3 - {' '.join(words)} <<'END'\n{program}\nEND"
    done = run_on(lab, lab.host(host), ("sh", "-c", command), timeout_s=300)
    if done.returncode != 0:
        raise SystemExit(f"{host}: {done.stderr[-500:]}")
    return done.stdout.strip()


def finds(lab: Lab, host: str, seat: str, server: str, name: str) -> bool:
    """Asked in a container until it is told an address, or for half a minute."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        said = json.loads(python(lab, host, WATCH, server, "0.1", "0.02", name, inside=seat))
        if any(told for *_, told in said):
            return True
    return False
