"""Stands in for a Python process of the project: answers 200 on its port; dies when its environment says so."""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args: object) -> None: ...

    def do_GET(self) -> None:
        body = b"standin_info 1\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    if sys.argv[1] == os.environ.get("STANDIN_DIES"):
        sys.stderr.write("last words of the stand-in\n")
        sys.exit(7)
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["T2V_PORT"])), Handler).serve_forever()
