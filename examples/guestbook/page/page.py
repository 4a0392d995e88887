"""The guestbook as a page: what the API has, and a form that adds to it."""

import json
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import gethostname
from typing import Any
from urllib.error import URLError
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

API = "http://api:8000/entries"  # a service of another project, on whichever host it is
HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Guestbook</title></head>
<body><h1>Guestbook</h1>
<form method="post"><input name="text" maxlength="200" required autofocus><button>Sign</button></form>
<ul>{entries}</ul>
<footer>served by {host}</footer></body></html>
"""


def ask(body: bytes | None = None) -> Any:
    with urlopen(Request(API, data=body), timeout=5) as answer:
        return json.load(answer)


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        try:
            entries = "".join(f"<li>{escape(entry)}</li>" for entry in ask())
        except (URLError, OSError) as error:
            self.send_error(HTTPStatus.BAD_GATEWAY, f"the API does not answer: {error}")
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(HTML.format(entries=entries, host=escape(gethostname())).encode())

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(errors="replace"))
        try:
            ask(form.get("text", [""])[0].encode())
        except (URLError, OSError) as error:
            self.send_error(HTTPStatus.BAD_GATEWAY, f"the API does not answer: {error}")
            return
        self.send_response(HTTPStatus.SEE_OTHER)
        self.send_header("Location", "/")
        self.end_headers()


ThreadingHTTPServer(("", 8080), Page).serve_forever()
