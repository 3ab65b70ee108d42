"""The data of messages: within the limits, and sealed where that is asked for."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ..errors import DroverError
from ..messages import Worker
from .keyring import Keyring
from .limits import Limits
from .names import pool_of
from .schema import Schemas
from .wire import encode


class Payloads:
    """Makes the ``data`` or ``jwe`` of frames, and reads it."""

    def __init__(self) -> None:
        self.limits = Limits()
        self.keyring = Keyring()
        self._me: Optional[Worker] = None
        self._schemas = Schemas({})

    def welcome(self, me: Worker, limits: Limits) -> None:
        """Takes what the reply to hello says."""
        self._me = me
        self.limits = limits
        self._schemas = Schemas(limits.schemas)

    def to(self, target: Dict[str, str], kind: str, data: Any) -> Dict[str, Any]:
        """The member that carries data to a target; the pool ``*`` is every one."""
        text = encode(data)
        self.limits.check_size(text)
        self.limits.check_depth(data, text)
        if not self.limits.encryption or self._me is None:
            return {"data": text}
        pool = pool_of(target["worker"]) if "worker" in target else target.get("pool", self._me.pool)
        if pool != "*":
            return {"jwe": self._seal(pool, self._me.id, kind, text)}
        return {"jwe": {to: self._seal(to, self._me.id, kind, text) for to in self.keyring.pools()}}

    def _seal(self, pool: str, me: str, kind: str, text: bytes) -> str:
        jwe = self.keyring.seal(pool, me, kind, text)
        self.limits.check_size(jwe.encode())
        return jwe

    def of(self, frame: Dict[str, Any], kind: str) -> Any:
        """The data that a frame carries."""
        if "jwe" in frame:
            return self.keyring.open(frame["jwe"], frame["from"], kind)
        if self.limits.encryption:
            raise DroverError("refused", "the payload is not encrypted")
        return frame.get("data")

    def checked(self, frame: Dict[str, Any], kind: str) -> Any:
        """The same, for what is not an answer: where drover cannot, the receiver checks the schema."""
        data = self.of(frame, kind)
        if "jwe" in frame:
            self._schemas.check(kind, data)
        return data
