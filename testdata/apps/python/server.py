"""A server of Python's standard library, without any line for a proxy."""
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/events":
            return self.events()
        self.answer({"app": "python", "pid": os.getpid(), "method": "GET", "url": self.path})

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        self.answer({"app": "python", "pid": os.getpid(), "method": "POST", "bytes": len(body)})

    def events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        n = 0
        while True:
            try:
                self.wfile.write(f"data: tick {n}\n\n".encode())
            except OSError:
                return
            n += 1
            time.sleep(0.05)

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    address = (os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000")))
    server = ThreadingHTTPServer(address, Handler)
    server.daemon_threads = True
    server.serve_forever()
