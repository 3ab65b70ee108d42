"""A drover that says what a test tells it to."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import tempfile
import threading
from typing import Any, Dict, List, Optional

DOC = os.path.join(os.path.dirname(__file__), "..", "..", "..", "docs", "ipc-protocol.md")
PATIENCE = 20.0


class Garbage:
    """Refers to itself, so that only a collection removes it."""

    def __init__(self) -> None:
        self.itself = self


def documented() -> List[bytes]:
    """The frames in docs/ipc-protocol.md, as bytes."""
    with open(DOC, encoding="utf-8") as page:
        text = page.read()
    lines = re.findall(r"^    (?:[<>] )?({.*)$", text, re.MULTILINE)  # on lines of their own
    return [line.encode() for line in lines + re.findall(r'`({"drover".*?)`', text)]


def welcome(**more: Any) -> Dict[str, Any]:
    """The data of the reply to hello."""
    return {
        "version": 1,
        "worker": "app-1.1",
        "pool": "app",
        "slot": 1,
        "generation": 1,
        "maxMessageBytes": 1048576,
        "maxDepth": 64,
        "requestTimeoutMs": 5000,
        "cache": True,
        "encryption": "off",
        **more,
    }


class FakeDrover:
    """Listens on a socket path as drover does; the test reads and writes the lines."""

    def __init__(self) -> None:
        self._dir = tempfile.mkdtemp(prefix="drv")
        self.path = os.path.join(self._dir, "ipc.sock")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen()
        self._listener.settimeout(PATIENCE)
        os.environ.update(DROVER_IPC_SOCKET=self.path, DROVER_IPC_KEY="secret", DROVER_WORKER_ID="app-1.1")
        self._connection: Optional[socket.socket] = None
        self._file: Any = None
        self.hello = b""

    def greet(self, **more: Any) -> threading.Thread:
        """Answers hello in another thread."""
        thread = threading.Thread(target=self._greet, args=(more,))
        thread.start()
        return thread

    def _greet(self, more: Dict[str, Any]) -> None:
        self._hang_up()
        self._connection, _ = self._listener.accept()
        self._connection.settimeout(PATIENCE)
        self._file = self._connection.makefile("rb")
        self.hello = self.read()
        number = json.loads(self.hello)["id"]
        keys = more.pop("keys", None)
        if keys is not None:
            self.write(keys)
        error = more.pop("error", None)
        outcome = {"error": error} if error else {"data": welcome(**more)}
        self.write({"drover": "reply", "id": number, **outcome})

    def read(self) -> bytes:
        """The next line, without its end; empty where the worker has closed the channel."""
        return bytes(self._file.readline()).rstrip(b"\n")

    def frame(self) -> Dict[str, Any]:
        """The next line, decoded."""
        value: Dict[str, Any] = json.loads(self.read())
        return value

    def write(self, line: Any) -> None:
        """Sends a line, or a frame."""
        assert self._connection is not None
        raw = line if isinstance(line, bytes) else json.dumps(line, separators=(",", ":")).encode()
        self._connection.sendall(raw + b"\n")

    def reply(self, number: int, data: Any) -> None:
        """Answers a question."""
        self.write({"drover": "reply", "id": number, "data": data})

    def hang_up(self) -> None:
        """Closes the channel."""
        assert self._connection is not None
        self._connection.shutdown(socket.SHUT_RDWR)

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._file.close()
            self._connection.close()

    def close(self) -> None:
        """Ends it."""
        for name in ("DROVER_IPC_FD", "DROVER_IPC_SOCKET", "DROVER_IPC_KEY", "DROVER_WORKER_ID"):
            os.environ.pop(name, None)
        self._listener.close()
        self._hang_up()
        shutil.rmtree(self._dir)
