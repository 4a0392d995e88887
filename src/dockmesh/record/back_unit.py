"""The program of the rollback as it stands on a host, and the unit that runs it."""

from collections.abc import Mapping

from dockmesh.agent.commit_confirm import BACK
from dockmesh.agent.texts import module_texts, text_of
from dockmesh.record.paths import ARMED, LIBRARY, RETURNING

UNIT_FILE = f"/etc/systemd/system/{BACK}.service"
# No order against docker.service or dockmesh.service: it restarts the one and starts the other itself, and a job that
# has to wait for the unit which asks for it would wait for ever.
UNIT = f"""\
# Managed by dockmesh.
[Unit]
Description=dockmesh: roll back a run that was not confirmed
After=openvswitch-switch.service docker.service
ConditionPathExists=|{ARMED}
ConditionPathExists=|{RETURNING}
# Whoever needs it needs it now, however often it was needed or killed before.
StartLimitIntervalSec=0

[Service]
Type=oneshot
Environment=PYTHONPATH={LIBRARY}
ExecStart=/usr/bin/env python3 -m dockmesh.agent.back
TimeoutStartSec=infinity
Restart=on-failure
RestartSec=1
# It has 14 MB; dpkg, and the packages' own programs that it runs, may need far more than ours.
MemoryMax=2G
TasksMax=1024

[Install]
WantedBy=multi-user.target
"""


def rollback_files() -> Mapping[str, str]:
    """By path; the package as the host's python3 finds it, with the modules that it needs."""
    package = f"{LIBRARY}/dockmesh"
    return {
        f"{package}/__init__.py": "",
        f"{package}/agent/__init__.py": "",
        **{f"{package}/agent/{name}.py": text for name, text in {**module_texts(), "back": text_of("back")}.items()},
        UNIT_FILE: UNIT,
    }
