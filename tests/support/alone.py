"""The files of lab tests that run with nothing beside them, in `make test` and in `make test-long`.

They count every lost ping, or how long a mesh takes to heal, and a userspace datapath that waits for a processor loses
some by itself.
"""

ALONE = tuple(
    f"tests/lab/test_{name}.py"
    for name in ("changes", "direct", "drill", "encryption", "quiet_changes", "quiet_kernel_tunnels", "tree")
)
