"""How apt is called."""

APT_TIMEOUT_S = 900
# Another apt may be at work, as unattended-upgrades is after a boot: wait for its lock instead of failing.
APT = ("apt-get", "--yes", "--option", "DPkg::Lock::Timeout=300", "--option", "Acquire::Retries=2")
