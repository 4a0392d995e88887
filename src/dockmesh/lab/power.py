"""Power on, power cut and reboot of single hosts."""

from dockmesh.errors import LabError
from dockmesh.lab import cgroup, underlay
from dockmesh.lab.kinds import machines_of
from dockmesh.lab.model import Lab, LabHost
from dockmesh.lab.ssh import run_on
from dockmesh.lab.supervise import start_supervisor
from dockmesh.lab.wait import holds_within

SUPERVISED_WITHIN_S = 10
BOOT_ID = ("cat", "/proc/sys/kernel/random/boot_id")
# Fails in the boot of this id; else ends when systemd has started all that it starts, or has failed to.
BOOTED_AGAIN = (
    'test "$(cat /proc/sys/kernel/random/boot_id)" != "$1" && { systemctl is-system-running --wait || true; }'
)
# Holds its connection for as long as the host keeps it. Some go down without a word, and their next boot ends it when
# it is asked; one that answers nothing for a minute is not worth the waiting.
REBOOT = ("sh", "-c", "systemctl --no-block reboot && exec sleep infinity")
ASK_EVERY_SECOND = ("-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=60")


def is_running(lab: Lab, host: LabHost) -> bool:
    """Whether the host has a supervisor: it ends when the machine ends for good, and there is no machine mid-reboot."""
    return cgroup.is_alive(cgroup.supervisor_of(lab, host))


def crash(lab: Lab, name: str) -> None:
    """A power cut: the cable first, so that nobody hears the processes die. The disk stays as it is at that moment."""
    host = lab.host(name)
    group = cgroup.root_of(lab.mark) / host.name
    underlay.pull_cable(lab, host)
    cgroup.kill(group)
    cgroup.remove(group)
    underlay.unplug(lab, host)


def start(lab: Lab, name: str) -> None:
    """Switch a host on, from the disk that it has, and wait until it is up. One that runs is left alone."""
    power_on(lab, lab.host(name))
    wait_until_booted(lab, lab.host(name))


def power_on(lab: Lab, host: LabHost) -> None:
    if is_running(lab, host):
        return
    crash(lab, host.name)  # what is left of a killed run
    start_supervisor(lab, host)
    if not holds_within(lambda: is_running(lab, host), SUPERVISED_WITHIN_S, interval_s=0.02):
        raise LabError("the machine does not start", host=host.name, answered=_console(lab, host))


def wait_until_booted(lab: Lab, host: LabHost, old_boot_id: str | None = None) -> None:
    """Wait until SSH answers and systemd has started all that it starts (or failed to: that is the tester's affair)."""
    deadline_s = machines_of(lab).booted_within_s

    def is_new_boot() -> bool:
        # One login for both questions: it is the dearest that a host is asked for while it boots.
        answer = run_on(lab, host, ("sh", "-c", BOOTED_AGAIN, "sh", old_boot_id or "none"), timeout_s=deadline_s)
        return answer.returncode == 0

    def is_over() -> bool:
        return is_new_boot() or not is_running(lab, host)

    if not holds_within(is_over, deadline_s, interval_s=0.1) or not is_running(lab, host):
        console = _console(lab, host)
        raise LabError(
            "the host does not answer over SSH" if is_running(lab, host) else "the host has stopped",
            host=host.name,
            answered=console,
            do=what_to_do(console, host.name),
        )


def what_to_do(console: str, name: str) -> str:
    """About a host that does not come up, by the last lines of its console: pure."""
    again = f"dockmesh lab crash {name}, then dockmesh lab start {name}"
    if "inotify" in console and "Too many open files" in console:
        # 128 for all of root's processes on the machine; twenty hosts that boot at once were too many for it.
        return f"sysctl fs.inotify.max_user_instances=1024, for this machine has too few for its hosts; {again}"
    return again


def reboot(lab: Lab, name: str) -> None:
    """Reboot as its owner would, and wait until it is up again: another boot, by its boot id."""
    host = lab.host(name)
    deadline_s = machines_of(lab).booted_within_s
    answer = run_on(lab, host, BOOT_ID, timeout_s=deadline_s)
    if answer.returncode != 0:
        raise LabError("cannot be asked to reboot", host=name, answered=answer.stderr, do="crash and start it instead")
    # To ask again and again whether it is down would keep a slow host from going down.
    run_on(lab, host, REBOOT, timeout_s=deadline_s, options=ASK_EVERY_SECOND)
    wait_until_booted(lab, host, old_boot_id=answer.stdout.strip())


def _console(lab: Lab, host: LabHost) -> str:
    log = lab.state_of(host) / "console.log"
    return "\n".join(log.read_text(errors="replace").splitlines()[-10:]) if log.exists() else "nothing"
