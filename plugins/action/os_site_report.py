# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the page about a whole site."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import DrError
from ansible_collections.osdr.openstack.plugins.plugin_utils.report import page
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.given import Given
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.place import Place
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.writing import ReportAction

_SPEC: dict[str, t.Any] = {
    "path": {"type": "path", "required": True},
    "status": {"type": "dict", "required": True},
    "mode": {"type": "raw", "default": "0644"},
}


class ActionModule(ReportAction):
    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        _valid, params = self.validate_argument_spec(_SPEC)
        status = params["status"]
        try:
            place = Place.of_site(params["path"], Given(status).text("primary"))
        except DrError as error:
            raise AnsibleActionFail(str(error)) from error
        files = {place.page: page.site_html(status), place.document: page.site_document(status)}
        result.update(self.written(place, files, {"mode": params["mode"]}, task_vars))
        return result
