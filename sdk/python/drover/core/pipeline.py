"""The shared cache over the channel: operations gather in frames, and near copies follow them."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional

from ..errors import DroverError
from .batch import Batch, Done
from .limits import Limits
from .near import NearCopies
from .pending import Pending
from .wire import Raw, array, frame

_BATCH = 1000  # operations in one frame


class Pipeline:
    """Puts operations into frames. ``flush`` closes the frame that is open; ``write`` takes it."""

    def __init__(self, clock: Callable[[], float], pending: Pending, write: Callable[[bytes], None]) -> None:
        self.limits = Limits()
        self._clock = clock
        self._pending = pending
        self._write = write
        self._batch = Batch()
        self._near: Dict[str, NearCopies] = {}

    def operate(self, op: Raw, done: Done, alone: bool = False) -> None:
        """Does an operation, in one frame with others, or alone where it may have to wait."""
        if len(op) > self.limits.max_line_bytes - 1024:
            raise DroverError("too-large", f"the operation has {len(op)} bytes")
        if alone or len(self._batch.ops) >= _BATCH or self._batch.size + len(op) > self.limits.max_message_bytes:
            self.flush()
        self._pending.check()
        self._batch.add(op, done)
        if alone:
            self.flush()

    def flush(self) -> None:
        """Closes the frame that operations gather in."""
        if self._batch.ops:
            batch, self._batch = self._batch, Batch()
            number = self._pending.add(batch.finish)
            self._write(frame("cache", id=number, ops=Raw(batch.text())))

    def close(self, error: DroverError) -> None:
        """Fails what has not left, and forgets all copies: nobody tells any more which are stale."""
        self._batch.finish(error, None)
        self._batch = Batch()
        for near in self._near.values():
            near.drop_all()
            near.active = False

    def near(self, namespace: str) -> NearCopies:
        """The near copies of a namespace; drover is asked for them the first time."""
        known = self._near.get(namespace)
        if known is not None:
            return known
        copies = self._near[namespace] = NearCopies(self._clock)

        def begun(error: Optional[DroverError], _: Any) -> None:
            copies.active = error is None

        self.operate(array("near", namespace, True), begun)
        return copies

    def fetch(self, namespace: str, keys: List[str], op: Raw, done: Done, alone: bool = False) -> None:
        """An operation that brings the values of keys: those are kept where near copies are on."""
        copies = self._near.get(namespace)
        if copies is None:
            self.operate(op, done, alone)
            return
        near = copies
        flights = [(key, near.begin(key)) for key in keys]

        def landed(error: Optional[DroverError], result: Any) -> None:
            results = result if op.startswith(b'["getMany"') else [result]
            for (key, flight), one in zip(flights, results or [None] * len(keys)):
                near.end(key, flight, one)
            done(error, result)

        try:
            self.operate(op, landed, alone)
        except DroverError:
            for key, flight in flights:
                near.end(key, flight, None)
            raise

    def lease(self, namespace: str, key: str, op: Raw, done: Done) -> None:
        """A lease. It may have to wait, so it goes alone: a frame is answered when its last operation is done."""
        self.fetch(namespace, [key], op, done, alone=True)

    def change(self, namespace: str, key: Optional[str], op: Raw, done: Done) -> None:
        """An operation that changes a key, or (None) any key of the namespace."""
        copies = self._near.get(namespace)
        if copies is None:
            self.operate(op, done)
            return
        near = copies

        def forget() -> None:
            if key is None:
                near.drop_all()
            else:
                near.drop(key)

        def changed(error: Optional[DroverError], result: Any) -> None:
            forget()  # what was asked for before the change came in
            done(error, result)

        forget()  # so that what this worker writes it does not read in the old state
        self.operate(op, changed)

    def drop(self, drop: Dict[str, Any]) -> None:
        """Forgets the copies that drover says are stale."""
        copies = self._near.get(drop["namespace"])
        if copies is None:
            return
        if drop.get("all"):
            copies.drop_all()
        for key in drop.get("keys") or ():
            copies.drop(key)
