# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of AWX's REST API as the modules of awx.awx need to set something up.

It keeps what it is told, knows what belongs together, and refuses what AWX 24 refuses: a schedule or node whose answers are not what the survey asks for, a
survey that is invalid, and a second credential of a type.
"""

from __future__ import annotations

import http.server
import itertools
import json
import re
import threading
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
#: Where things of a type are, by type.
ENDPOINTS = {
    "credential": "credentials",
    "credential_type": "credential_types",
    "execution_environment": "execution_environments",
    "host": "hosts",
    "inventory": "inventories",
    "inventory_source": "inventory_sources",
    "job_template": "job_templates",
    "organization": "organizations",
    "project": "projects",
    "schedule": "schedules",
    "workflow_approval": "workflow_approval_templates",
    "workflow_job_template": "workflow_job_templates",
    "workflow_job_template_node": "workflow_job_template_nodes",
}
#: What a default, or an answer, of a type of question must be.
ANSWERS = {"text": str, "integer": int, "multiplechoice": str}
TYPES = {endpoint: kind for kind, endpoint in ENDPOINTS.items()}
PREFIX = "/api/v2/"


class Refused(Exception):
    """:ivar status: what the client is answered."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Controller:
    """The data, and the server in front of it, which runs as long as the context."""

    def __init__(self):
        self._ids = itertools.count(1)
        self._items = {endpoint: {} for endpoint in TYPES}
        self._related = {}
        self.surveys = {}
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self.environment = {"CONTROLLER_HOST": f"http://127.0.0.1:{self._server.server_port}", "CONTROLLER_OAUTH_TOKEN": "any"}

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def all(self, kind):
        """What there is of a type, by name."""
        return {item.get("name") or item["identifier"]: item for item in self._items[ENDPOINTS[kind]].values()}

    def one(self, kind):
        (item,) = self._items[ENDPOINTS[kind]].values()
        return item

    def associated(self, item, what):
        """Ids of what was associated with an item."""
        return self._related.get(f"{item['url']}{what}/", [])

    def create(self, endpoint, fields):
        kind = TYPES[endpoint]
        if kind == "job_template" and not (ROOT / fields["playbook"]).is_file():
            raise Refused(400, f"Playbook {fields['playbook']} is not in the project.")
        self._check_answers(kind, fields)
        number = next(self._ids)
        url = f"{PREFIX}{endpoint}/{number}/"
        related = {"survey_spec": f"{url}survey_spec/"}
        # A project has been fetched as soon as it is there.
        fetched = {"scm_revision": "1"} if kind == "project" else {}
        self._items[endpoint][number] = {"id": number, "url": url, "type": kind, "related": related, "summary_fields": {}, **fetched, **fields}
        return self._items[endpoint][number]

    def get(self, path, query):
        if path == "unified_job_templates":
            return self._listing([one for kind in ("job_template", "project", "workflow_job_template") for one in self.all(kind).values()], query)
        if path in self._items:
            return self._listing(self._items[path].values(), query)
        endpoint, number, what = _parts(path)
        if not what:
            return self._items[endpoint][number]
        if what == "survey_spec":
            return self.surveys.get(number, {})
        return self._listing([{"id": one} for one in self._related.get(f"{PREFIX}{path}/", [])], {})

    def post(self, path, fields):
        """:returns: the status and what is there then."""
        if path in self._items:
            return 201, self.create(path, fields)
        endpoint, number, what = _parts(path)
        if what == "survey_spec":
            _refuse(_problems_of_survey(fields))
            self.surveys[number] = fields
            return 200, {}
        if what == "create_approval_template":
            approval = self.create(ENDPOINTS["workflow_approval"], fields)
            node = self._items[endpoint][number]
            node["unified_job_template"] = approval["id"]
            node["related"]["unified_job_template"] = approval["url"]
            return 201, approval
        self._associate(self._related.setdefault(f"{PREFIX}{path}/", []), what, **fields)
        return 204, None

    def _associate(self, there, what, id, disassociate=False):
        if disassociate:
            there.remove(id)
            return
        if what == "credentials":
            kinds = {self._items[what][one]["credential_type"] for one in there}
            if self._items[what][id]["credential_type"] in kinds:
                raise Refused(400, "Cannot assign multiple credentials of a type.")
        there.append(id)

    def _check_answers(self, kind, item):
        """What starts by itself brings the answers along. Those of a node may come from elsewhere, too."""
        if kind in ("schedule", "workflow_job_template_node"):
            survey = self.surveys.get(item.get("unified_job_template"), {"spec": []})
            _refuse(_problems_of_answers(survey["spec"], item.get("extra_data") or {}, required=kind == "schedule"))

    def patch(self, path, fields):
        endpoint, number, _what = _parts(path)
        item = self._items[endpoint][number]
        if "extra_data" in fields:
            self._check_answers(item["type"], {**item, **fields})
        item.update(fields)
        return item

    @staticmethod
    def _listing(items, query):
        wanted = {key: value for key, value in query.items() if key != "page_size"}
        found = [item for item in items if all(str(item.get(key)) == value for key, value in wanted.items())]
        return {"count": len(found), "next": None, "previous": None, "results": found}


def _refuse(problems):
    found = list(problems)
    if found:
        raise Refused(400, " ".join(found))


def _problems_of_survey(survey):
    for part in ("name", "description", "spec"):
        if part not in survey:
            yield f"Field '{part}' is missing from survey spec."
    variables = [question.get("variable") for question in survey.get("spec", [])]
    if len(set(variables)) != len(variables):
        yield "'variable' duplicated in survey."
    for question in survey.get("spec", []):
        yield from _problems_of_question(question)


def _problems_of_question(question):
    missing = [part for part in ("type", "question_name", "variable", "required") if part not in question]
    if missing or question["type"] not in ANSWERS:
        yield f"{missing} missing from survey question, or its type is none of {list(ANSWERS)}."
    elif question["type"] == "multiplechoice" and "choices" not in question:
        yield "Survey question of type multiplechoice must specify choices."
    elif question.get("default", "") != "":
        yield from _problems_of_answer(question, question["default"])


def _problems_of_answers(questions, answers, required):
    """A default is no answer.

    :param required: whether there must be an answer to whatever must be answered.
    """
    asked = {question["variable"] for question in questions}
    if set(answers) - asked:
        yield f"Variables {', '.join(sorted(set(answers) - asked))} are not allowed on launch."
    for question in questions:
        if question["variable"] in answers:
            yield from _problems_of_answer(question, answers[question["variable"]])
        elif required and question["required"]:
            yield f"'{question['variable']}' value missing"


def _problems_of_answer(question, answer):
    # A boolean is no number in AWX.
    if isinstance(answer, bool) or not isinstance(answer, ANSWERS[question["type"]]):
        yield f"Value {answer} for '{question['variable']}' expected to be of type {ANSWERS[question['type']].__name__}."
    elif question["type"] == "multiplechoice":
        if answer not in question["choices"]:
            yield f"Value {answer} for '{question['variable']}' expected to be one of {question['choices']}."
    elif "min" in question and (answer if question["type"] == "integer" else len(answer)) < question["min"]:
        yield f"'{question['variable']}' value {answer} is too small."


def _parts(path):
    match = re.fullmatch(r"(\w+)/(\d+)(?:/(\w+))?", path)
    if not match or match[1] not in TYPES:
        raise Refused(404, f"There is no {path}.")
    return match[1], int(match[2]), match[3]


def _handler_of(controller):
    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self, status, body):
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _handle(self, act):
            url = urllib.parse.urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                self._answer(*act(url.path.removeprefix(PREFIX).strip("/"), url, json.loads(body or b"{}")))
            except Refused as refused:
                self._answer(refused.status, {"detail": str(refused), "__all__": [str(refused)]})

        def do_GET(self):
            self._handle(lambda path, url, _fields: (200, controller.get(path, dict(urllib.parse.parse_qsl(url.query)))))

        def do_POST(self):
            self._handle(lambda path, _url, fields: controller.post(path, fields))

        def do_PATCH(self):
            self._handle(lambda path, _url, fields: (200, controller.patch(path, fields)))

        def log_message(self, *_):
            """Nobody reads it."""

    return Handler
