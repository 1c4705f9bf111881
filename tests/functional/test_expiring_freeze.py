# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest that lets go of its freeze after ten seconds, as Windows does: snapshots that took longer are not called quiesced."""

from __future__ import annotations

import contextlib

import laboratory
import pytest
from laboratory import APPLICATION, DRIVERS, ModuleRun, cloud, module, wait

pytestmark = pytest.mark.campaign

HOOK = "/etc/qemu/fsfreeze-hook.d/90-lets-go"
HAS_LET_GO = "/run/lets-go"
#: Beneath the agent, which goes on believing that it is frozen. At the first thaw it says what it could not do (1), or nothing (0).
LETS_GO = f"""#!/bin/sh
case $1 in
freeze)
    rm -f {HAS_LET_GO}
    (
        sleep 10
        touch {HAS_LET_GO}
        for place in $(awk '$3 == "ext4" {{print $2}}' /proc/mounts); do /usr/sbin/fsfreeze -u $place; done
    ) < /dev/null > /dev/null 2>&1 &
    echo $! > {HAS_LET_GO}.pid ;;
thaw)
    kill $(cat {HAS_LET_GO}.pid) 2> /dev/null
    if [ -e {HAS_LET_GO} ]; then rm -f {HAS_LET_GO}; exit STATUS; fi ;;
esac
"""
#: Longer than all of it takes.
LIMITS = {"budget": 180, "guard_timeout": 240}


@contextlib.contextmanager
def lets_go(guest, says_so):
    """The guest lets go of each freeze."""
    script = LETS_GO.replace("STATUS", "1" if says_so else "0")
    guest.run(f"mkdir -p $(dirname {HOOK}) && cat > {HOOK} <<'END'\n{script}END\nchmod 755 {HOOK}")
    assert guest.run(f"test -x {HOOK} && echo there") == "there"
    try:
        yield
    finally:
        guest.run(f"rm -f {HOOK} {HAS_LET_GO} {HAS_LET_GO}.pid")


@contextlib.contextmanager
def said_to_be(system, guest):
    """The image of a guest says that it holds this system."""
    storage = cloud().block_storage
    volume_ids = [one["id"] for one in cloud().compute.get_server(guest.id).attached_volumes]
    (boot,) = [one for one in map(storage.get_volume, volume_ids) if one.is_bootable]
    storage.set_volume_image_metadata(boot, os_type=system)
    try:
        yield
    finally:
        storage.post(f"/volumes/{boot.id}/action", json={"os-unset_image_metadata": {"key": "os_type"}}).raise_for_status()


def taken_too_slowly(front, driver):
    """A set whose snapshots are complete only after the guest has let go."""
    name = laboratory.unique("expired")
    with laboratory.halted("bin/cinder-volume"):
        run = ModuleRun("os_cg_snapshot", cloud="primary", name=name, application=APPLICATION, quiesce={**DRIVERS[driver], **LIMITS})
        wait("the guest to let go", lambda: front.run(f"test -e {HAS_LET_GO} && echo yes") == "yes", 120)
        wait("snapshots under way", lambda: [one for one in cloud().block_storage.snapshots() if f".{name}." in one.name], 120)
    try:
        return run.result(), " ".join(run.output.split())
    finally:
        module("os_cg_snapshot", cloud="primary", name=name, application=APPLICATION, state="absent")


def expect_crash(result, reason):
    assert "only crash-consistent, but quiesced is required" in result.get("msg", ""), result
    assert f"shop-front: crash ({reason}" in result["msg"], result["msg"]
    assert "orders-db: quiesced" in result["msg"], "the others held"


COUNTED, COULD_NOT = "1 file systems were frozen and 0 thawed)", "Nova's guard had thawed it before, or its guest could not hold the freeze)"


@pytest.mark.parametrize(
    ("driver", "says_so", "reason"),
    [
        pytest.param("libvirt", False, COUNTED, id="libvirt, nothing is said"),
        pytest.param("nova", True, COULD_NOT, id="nova, as Windows says it", marks=pytest.mark.campaign),
        pytest.param("libvirt", True, COUNTED, id="libvirt, as Windows says it", marks=pytest.mark.campaign),
    ],
)
def test_a_guest_that_lets_go_is_found_out(guests, front, driver, says_so, reason):
    with lets_go(front, says_so):
        result, _output = taken_too_slowly(front, driver)
    expect_crash(result, reason)


@pytest.mark.campaign
def test_through_nova_a_guest_that_says_nothing_is_known_by_its_image(guests, front):
    with lets_go(front, says_so=False), said_to_be("windows", front):
        result, output = taken_too_slowly(front, "nova")
    expect_crash(result, "Windows holds a freeze for 10 s, and the last snapshot was complete")
    assert "Windows holds a freeze for 10 s only, and so do these servers: shop-front" in output
