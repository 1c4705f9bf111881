# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A storage for Cinder whose volumes hold nothing, and whose snapshots take their time."""

from __future__ import annotations

import time

from cinder.volume import driver

SNAPSHOT_SECONDS = 0.5


class PretendedStorage(driver.VolumeDriver):
    """Volumes that are only names."""

    VERSION = "1.0"

    def check_for_setup_error(self):
        """There is nothing that could be wrong."""

    def create_volume(self, volume):
        """Nothing is made."""

    def delete_volume(self, volume):
        """Nothing is there."""

    def create_snapshot(self, snapshot):
        time.sleep(SNAPSHOT_SECONDS)

    def delete_snapshot(self, snapshot):
        """Nothing is there."""

    def ensure_export(self, context, volume):
        """Nobody reads it."""

    def create_export(self, context, volume, connector):
        """Nobody reads it."""

    def remove_export(self, context, volume):
        """Nobody reads it."""

    def initialize_connection(self, volume, connector):
        return {"driver_volume_type": "pretended", "data": {}}

    def terminate_connection(self, volume, connector, **kwargs):
        """Nobody was connected."""

    def _update_volume_stats(self):
        self._stats = {
            "volume_backend_name": self.configuration.safe_get("volume_backend_name"),
            "vendor_name": "The osdr.openstack authors",
            "driver_version": self.VERSION,
            "storage_protocol": "pretended",
            "total_capacity_gb": "infinite",
            "free_capacity_gb": "infinite",
        }
