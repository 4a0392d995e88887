"""Where a host keeps what dockmesh did to it; all of it mode 0600 in a folder of mode 0700."""

STATE = "/var/lib/dockmesh"
APPLIED = f"{STATE}/applied.json"  # what the last confirmed run made of this host
ORIGIN = f"{STATE}/origin.json"  # what was there before the first one
ARMED = f"{STATE}/armed.json"  # only while a run is not confirmed: how to go back
RUNS = f"{STATE}/runs.jsonl"  # a line a run, the oldest first
