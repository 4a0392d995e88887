from pathlib import Path

import pytest

from dockmesh.errors import LabError
from dockmesh.lab.vm.initrd import INIT, kernel_release, load_order

# As depmod writes it.
MODULES_DEP = """\
kernel/drivers/block/virtio_blk.ko.xz:
kernel/drivers/net/virtio_net.ko.xz: kernel/drivers/net/net_failover.ko.xz kernel/net/core/failover.ko.xz
kernel/drivers/net/net_failover.ko.xz: kernel/net/core/failover.ko.xz
kernel/net/core/failover.ko.xz:
"""


def test_what_a_module_needs_is_loaded_before_it() -> None:
    assert [Path(file).name for file in load_order(MODULES_DEP, ("virtio_blk", "virtio_net"))] == [
        *("virtio_blk.ko.xz", "failover.ko.xz", "net_failover.ko.xz", "virtio_net.ko.xz"),
    ]


def test_what_is_built_into_the_kernel_is_not_loaded() -> None:
    assert load_order(MODULES_DEP, ("ext4",)) == []


def test_an_image_has_one_kernel(tmp_path: Path) -> None:
    (tmp_path / "usr/lib/modules/6.12.0").mkdir(parents=True)
    assert kernel_release(tmp_path) == "6.12.0"

    (tmp_path / "usr/lib/modules/6.13.0").mkdir()
    with pytest.raises(LabError, match="one kernel, not 2"):
        kernel_release(tmp_path)


def test_own_files_are_laid_down_once_and_marked_last() -> None:
    assert INIT.index("laid-down ]") < INIT.index("cp -a /own/.") < INIT.index("touch /root/etc/dockmesh-lab/laid-down")
