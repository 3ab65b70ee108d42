"""HTTP in JSON with the standard library."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import drover


class Service(BaseHTTPRequestHandler):
    """Answers what ``handle_request`` returns: a status and what becomes JSON."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body are written at once
    timeout = 120  # longer than any proxy keeps an idle connection: the server must not be the one who closes first

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, result = self.handle_request(self.command, self.path, body)
        raw = json.dumps(result, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = answer

    def handle_request(self, method: str, path: str, body: bytes) -> "tuple[int, Any]":
        raise NotImplementedError

    def log_message(self, format: str, *args: Any) -> None:
        pass  # drover has a log of requests


class Server(ThreadingHTTPServer):
    request_queue_size = 128


def serve(service: "type[Service]", default_port: int) -> None:
    """Serves until drover says that the worker has to end."""
    address = (os.environ.get("HOST", ""), int(os.environ.get("PORT", default_port)))
    with Server(address, service) as server:
        drover.on_shutdown(server.shutdown)
        drover.ready()
        server.serve_forever()
