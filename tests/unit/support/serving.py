# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP servers on ports of this machine, for as long as a test needs them."""

from __future__ import annotations

import contextlib
import http.server
import threading

#: A server looks so often whether it is to end, and whoever ends it waits for that: by default for half a second.
_POLL_SECONDS = 0.01


@contextlib.contextmanager
def serving(server: http.server.HTTPServer):
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers at once and silently, and keeps its connections."""

    protocol_version = "HTTP/1.1"
    # Otherwise a body waits until the client has acknowledged the headers, which takes it 40 ms.
    disable_nagle_algorithm = True

    def log_message(self, *_words):
        pass
