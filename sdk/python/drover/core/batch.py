"""Operations of the cache that go in one frame."""

from __future__ import annotations

from typing import Any, Callable, List, Optional

from ..errors import DroverError, from_frame

# Done is told how something ended: an error, or what it brought.
Done = Callable[[Optional[DroverError], Any], None]


class Batch:
    """Operations issued together: one frame, one reply, one result for each."""

    def __init__(self) -> None:
        self.ops: List[bytes] = []
        self.size = 0
        self._done: List[Done] = []

    def add(self, op: bytes, done: Done) -> None:
        """Adds an operation in JSON."""
        self.ops.append(op)
        self._done.append(done)
        self.size += len(op) + 1

    def text(self) -> bytes:
        """The list of operations in JSON."""
        return b"[" + b",".join(self.ops) + b"]"

    def finish(self, error: Optional[DroverError], results: Any) -> None:
        """Gives each operation its result."""
        if error is None and (not isinstance(results, list) or len(results) != len(self._done)):
            error = DroverError("bad-frame", "the reply has not one result for each operation")
        if error is not None:
            for done in self._done:
                done(error, None)
            return
        for done, result in zip(self._done, results):
            if isinstance(result, dict) and "error" in result:
                done(from_frame(result["error"]), None)
            else:
                done(None, result)
