from dockmesh.lab.power import what_to_do


def test_a_machine_that_has_too_few_instances_of_inotify_is_told_how_to_have_more() -> None:
    console = "Failed to create control group inotify object: Too many open files\nExiting PID 1..."

    assert what_to_do(console, "host15").startswith("sysctl fs.inotify.max_user_instances=1024")
    assert what_to_do("nothing", "host15") == "dockmesh lab crash host15, then dockmesh lab start host15"
