"""SSH keys of a lab: made by the lab before anything boots, so that nobody ever trusts on first use."""

from pathlib import Path

from dockmesh.lab.command import run


def make_key(file: Path, comment: str) -> None:
    """An ed25519 key pair without passphrase; ssh-keygen gives the private part mode 0600."""
    run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(file)), f"make the SSH key {file}")
