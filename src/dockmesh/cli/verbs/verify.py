"""`dockmesh verify`."""

from dockmesh.cli import options


def verify(
    file: options.File = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    json: options.Json = False,
) -> None:
    """Measure every pair of hosts and of containers, and explain each failure.

    Starts a small container on each host, which is gone afterwards, and changes nothing.
    Exit code 0 only if every probe passes: what could not be measured is unknown, which is not a pass.
    """
    from dockmesh.cli.screens import progress
    from dockmesh.cli.work import verify as work

    progress.choose(quiet=quiet, verbose=verbose)
    work.verify(file, ssh_config, json=json)
