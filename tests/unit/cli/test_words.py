"""What `exec` and `logs` hand to Docker on a host."""

from dockmesh.cli.work import exec as exec_
from dockmesh.cli.work import logs


def test_exec_hands_on_what_was_asked_for() -> None:
    opts = exec_.ExecOptions(detach=True, env=("A=1", "B= 2"), user="ann", workdir="/srv")

    assert opts.words("abc", ["sh", "-c", "true"]) == (
        *("docker", "exec", "--detach", "--env", "A=1", "--env", "B= 2", "--user", "ann", "--workdir", "/srv", "abc"),
        *("sh", "-c", "true"),
    )
    assert exec_.ExecOptions(interactive=True, tty=True).words("abc", ["sh"]) == (
        *("docker", "exec", "--interactive", "--tty", "abc", "sh"),
    )


def test_logs_hand_on_what_was_asked_for() -> None:
    opts = logs.LogsOptions(follow=True, tail=0, timestamps=True, since="10m")

    assert opts.words("abc") == (
        *("docker", "logs", "--follow", "--tail", "0", "--timestamps", "--since", "10m", "abc"),
    )
    assert logs.LogsOptions().words("abc") == ("docker", "logs", "abc")
