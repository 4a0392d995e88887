"""GET /entries is a JSON list, newest first; POST /entries adds the text of its body. They are kept in Redis."""

import json
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import redis

# A service of another project, on whichever host it is; asked again for each request, as it may move.
STORE = redis.Redis("store", socket_timeout=3, socket_connect_timeout=3)
LONGEST = 200  # characters


class Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(lambda: [entry.decode() for entry in STORE.lrange("entries", 0, -1)])

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode(errors="replace")[:LONGEST]
        self._answer(lambda: {"entries": STORE.lpush("entries", text)})

    def _answer(self, work: Callable[[], Any]) -> None:
        if self.path != "/entries":
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            body, status = json.dumps(work()), HTTPStatus.OK
        except redis.RedisError as error:
            body, status = json.dumps({"error": f"store: {error}"}), HTTPStatus.BAD_GATEWAY
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())


ThreadingHTTPServer(("", 8000), Api).serve_forever()
