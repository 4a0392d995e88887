"""The rules that a Docker leaves behind when its package goes, in the forms of Docker 26: pure."""

import re

SAVES = (("iptables-save",), ("ip6tables-save",))
RESTORES = (("iptables-restore", "--noflush"), ("ip6tables-restore", "--noflush"))
BRIDGE = r"(docker0|br-[0-9a-f]{12})"
DOCKERS = tuple(
    map(
        re.compile,
        (
            r"-A \S+ (.* )?-j DOCKER\S*",
            rf"-A FORWARD -o {BRIDGE} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            rf"-A FORWARD -i {BRIDGE} ! -o {BRIDGE} -j ACCEPT",
            rf"-A FORWARD -i {BRIDGE} -o {BRIDGE} -j (ACCEPT|DROP)",
            rf"-A POSTROUTING -s \S+ ! -o {BRIDGE} -j MASQUERADE",
        ),
    )
)
# The one of Docker's chains that is its user's.
USER_CHAIN, EMPTY = "DOCKER-USER", "-A DOCKER-USER -j RETURN"


def without_docker(saved: str, *, forwarded: bool) -> str:
    """For `iptables-restore --noflush`, from what `iptables-save` says; empty where there is nothing of Docker's.

    `forwarded`: the host passed packets on before Docker; if not, Docker has set the policy to DROP with that.
    A chain DOCKER-USER with its owner's rules stays.
    """
    return "".join(_table(table.splitlines(), forwarded=forwarded) for table in saved.split("COMMIT\n"))


def _table(lines: list[str], *, forwarded: bool) -> str:
    name = next((line for line in lines if line.startswith("*")), None)
    if name is None:
        return ""
    rules = [line for line in lines if line.startswith("-A ")]
    kept = {USER_CHAIN} if any(rule.startswith(f"-A {USER_CHAIN} ") and rule != EMPTY for rule in rules) else set()
    declared = [line[1:].split()[0] for line in lines if line.startswith(":")]
    chains = [chain for chain in declared if chain.startswith("DOCKER") and chain not in kept]
    if not chains:
        return ""
    gone = [
        rule
        for rule in rules
        if rule.split()[1] not in declared or not rule.split()[1].startswith("DOCKER")
        if any(each.fullmatch(rule) for each in DOCKERS) and rule.split()[-1] not in kept
    ]
    policy = [":FORWARD ACCEPT [0:0]"] if name == "*filter" and not forwarded else []
    script = [
        name,
        *policy,
        *(f"-D {rule.removeprefix('-A ')}" for rule in gone),
        *(f"-F {chain}" for chain in chains),
        *(f"-X {chain}" for chain in chains),
        "COMMIT",
    ]
    return "\n".join(script) + "\n"
