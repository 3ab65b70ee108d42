"""What waits for a reply."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional, Tuple

from ..errors import DroverError, from_frame
from .batch import Done

# Reader makes the data of a reply out of its frame.
Reader = Callable[[Dict[str, Any]], Any]


def plain(frame: Dict[str, Any]) -> Any:
    """The data of a reply as it stands."""
    return frame.get("data")


class Pending:
    """The questions without an answer yet, by their ids."""

    def __init__(self) -> None:
        self._last = 0
        self._waiting: Dict[int, Tuple[Done, Reader]] = {}
        self._closed: Optional[DroverError] = None

    def add(self, done: Done, read: Reader = plain) -> int:
        """Notes a question and returns its id."""
        self.check()
        self._last += 1
        self._waiting[self._last] = (done, read)
        return self._last

    def check(self) -> None:
        """Raises the error that ended the conversation."""
        if self._closed is not None:
            raise self._closed

    def forget(self, number: int) -> None:
        """Takes back a question that was not asked."""
        del self._waiting[number]

    def answer(self, frame: Dict[str, Any]) -> None:
        """Takes a reply."""
        entry = self._waiting.pop(frame.get("id", 0), None)
        if entry is None:
            return
        done, read = entry
        if "error" in frame:
            done(from_frame(frame["error"]), None)
            return
        try:
            data = read(frame)
        except DroverError as error:
            done(error, None)
        except (KeyError, TypeError, ValueError) as error:
            done(DroverError("bad-frame", f"the reply is not readable: {error!r}"), None)
        else:
            done(None, data)

    def close(self, error: DroverError) -> None:
        """Fails all that wait, and all that come later."""
        self._closed = error
        waiting, self._waiting = self._waiting, {}
        for done, _ in waiting.values():
            done(error, None)
