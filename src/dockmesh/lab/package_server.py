"""The lab's package source: a plain HTTP server in the switch's namespace, as the hosts have no way out.

Run as `python -m dockmesh.lab.package_server DIRECTORY` inside that namespace.
"""

import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from dockmesh.lab import cgroup, underlay
from dockmesh.lab.model import Lab
from dockmesh.lab.store import load


def ensure_package_server(lab: Lab) -> None:
    lab.packages.mkdir(exist_ok=True)
    for release, image in lab.images.items():
        link = lab.packages / release
        if not link.is_symlink():
            link.symlink_to(image.packages)
    if cgroup.is_alive(cgroup.root_of(lab.mark) / "packages"):
        return
    with (lab.directory / "packages.log").open("ab") as log:
        serve_argv = (sys.executable, "-m", __name__, str(lab.directory))
        argv = ("setsid", "--fork", *underlay.inside(lab.switch_netns, *serve_argv))
        subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", check=True)


def serve(lab: Lab) -> None:
    cgroup.enter(cgroup.root_of(lab.mark) / "packages")
    handler = partial(SimpleHTTPRequestHandler, directory=str(lab.packages))
    ThreadingHTTPServer((str(lab.switch_address), 80), handler).serve_forever()


if __name__ == "__main__":
    serve(load(Path(sys.argv[1])))
