# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the restore of encrypted volumes needs."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  volume_private_key:
    description:
      - The RSA key in PEM form, without a passphrase, that belongs to the C(volume_public_key) with which the checkpoint was taken. It opens the keys
        of encrypted volumes, which are then stored in the site's key manager. Needed only while encrypted volumes are restored, and not at the site
        that made the backups as long as its key manager has their keys and the volume type is the same.
    type: str
  import_cloud:
    description:
      - The site with the credentials of an administrator, who may import records of backups into the project; by name or as a dictionary. The
        module's own credentials when omitted. Needed only with O(volume_private_key).
    type: raw
  store_cloud:
    description:
      - The site with the credentials of the object store account from which its backup service reads; by name or as a dictionary. The module's own
        credentials when omitted. Needed only for encrypted volumes.
    type: raw
"""
