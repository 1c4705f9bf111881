# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nova's fake hypervisor, with guests whose agents take their time to freeze and thaw.

It offers nothing but a resource of its own, which only the flavor of these guests asks for: no other server is ever put here.
"""

from __future__ import annotations

import threading
import time
import uuid

from nova import exception
from nova.virt import fake

RESOURCE = "CUSTOM_PRETENDED"
MOST_GUESTS = 2000
#: As long as libvirt takes for an idle guest.
FREEZE_SECONDS, THAW_SECONDS = 0.1, 0.2
#: The words of libvirt, by which a frozen guest is known.
FROZEN = "unable to execute QEMU agent command 'guest-fsfreeze-freeze': Command guest-fsfreeze-freeze has been disabled: the agent is in frozen state"


class PretendedHypervisor(fake.FakeDriver):
    """Guests that are only names."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._frozen = set()
        self._lock = threading.Lock()

    def _uuid(self, node):
        """The same whenever the service is started."""
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, node))

    def get_nodenames_by_uuid(self, refresh=False):
        return {self._uuid(node): node for node in self.get_available_nodes()}

    def get_available_resource(self, nodename):
        return {**super().get_available_resource(nodename), "uuid": self._uuid(nodename)}

    def update_provider_tree(self, provider_tree, nodename, allocations=None):
        offered = {"total": MOST_GUESTS, "reserved": 0, "min_unit": 1, "max_unit": 1, "step_size": 1, "allocation_ratio": 1.0}
        provider_tree.update_inventory(nodename, {RESOURCE: offered})

    def quiesce(self, context, instance, image_meta):
        with self._lock:
            if instance.uuid in self._frozen:
                raise exception.NovaException(FROZEN)
            self._frozen.add(instance.uuid)
        time.sleep(FREEZE_SECONDS)

    def unquiesce(self, context, instance, image_meta):
        with self._lock:
            was_frozen = instance.uuid in self._frozen
            self._frozen.discard(instance.uuid)
        if was_frozen:
            time.sleep(THAW_SECONDS)
