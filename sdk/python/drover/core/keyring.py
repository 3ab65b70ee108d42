"""Payloads that only the receiving pool can read: JWE in compact form, dir and A256GCM."""

from __future__ import annotations

import base64
import json
import os
from collections import OrderedDict
from typing import Any, Dict, Iterable, Tuple

from ..errors import DroverError
from .wire import encode

_SENDERS = 10000  # of so many senders the last number is remembered

MISSING = "ipc.encryption is on: install drover[encryption] (pip install 'drover[encryption]')"


def available() -> bool:
    """Whether the package cryptography is installed."""
    try:
        _cipher(bytes(32))
    except DroverError:
        return False
    return True


class Keyring:
    """The keys of one worker. It numbers what it seals, and opens each number of a sender once."""

    def __init__(self) -> None:
        self._receive: Dict[str, Any] = {}
        self._send: Dict[str, Tuple[str, Any]] = {}
        self._sealed = 0
        self._opened: OrderedDict[str, int] = OrderedDict()

    def load(self, frame: Dict[str, Any]) -> None:
        """Takes the keys of a frame in place of those before."""
        self._receive = {key["kid"]: _Key(key["k"]) for key in frame["receive"]["keys"]}
        self._send = {pool: (key["kid"], _Key(key["k"])) for pool, key in frame["send"].items()}

    def pools(self) -> Iterable[str]:
        """The pools that there are keys for. That of drover itself is for answers only."""
        return [pool for pool in self._send if pool != "drover"]

    def seal(self, pool: str, me: str, kind: str, text: bytes) -> str:
        """Encrypts JSON text for a pool."""
        if pool not in self._send:
            raise DroverError("forbidden", f"there is no key for the pool {pool}: ipc.allow does not let us send there")
        kid, key = self._send[pool]
        self._sealed += 1
        header = {"alg": "dir", "enc": "A256GCM", "kid": kid, "from": me, "type": kind, "n": self._sealed}
        protected = _to64(encode(header))
        nonce = os.urandom(12)
        sealed = key.cipher.encrypt(nonce, text, protected)
        return b".".join((protected, b"", _to64(nonce), _to64(sealed[:-16]), _to64(sealed[-16:]))).decode()

    def open(self, jwe: Any, sender: str, kind: str) -> Any:
        """Decrypts what a sender sealed for us; refused where anything about it is not as it must be."""
        try:
            protected, encrypted_key, nonce, text, tag = jwe.encode().split(b".")
            header = json.loads(_from64(protected))
            if header.keys() != {"alg", "enc", "kid", "from", "type", "n"} or encrypted_key:
                raise ValueError("not the header of drover's payloads")
            if header["alg"] != "dir" or header["enc"] != "A256GCM":
                raise ValueError("another algorithm")
            if header["kid"] not in self._receive:
                raise ValueError(f"unknown key {header['kid']}")
            if header["from"] != sender or header["type"] != kind:
                raise ValueError("sealed for another envelope")
            cipher = self._receive[header["kid"]].cipher
            value = json.loads(cipher.decrypt(_from64(nonce), _from64(text) + _from64(tag), protected))
            self._count(sender, header["n"])
            return value
        except DroverError:
            raise
        except Exception as error:  # whatever a stranger wrote, also InvalidTag
            reason = str(error) or type(error).__name__
            raise DroverError("refused", f"the payload cannot be decrypted: {reason}") from None

    def _count(self, sender: str, number: Any) -> None:
        if type(number) is not int or number <= self._opened.get(sender, 0):
            raise ValueError("a number that was used already")
        self._opened[sender] = number
        self._opened.move_to_end(sender)
        if len(self._opened) > _SENDERS:
            self._opened.popitem(last=False)


class _Key:
    """A key whose cipher is made when it is needed, since that needs the package cryptography."""

    def __init__(self, k: str) -> None:
        self._k = k
        self._made: Any = None

    @property
    def cipher(self) -> Any:
        if self._made is None:
            self._made = _cipher(_from64(self._k.encode()))
        return self._made


def _cipher(key: bytes) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise DroverError("plain-payload", MISSING) from None
    return AESGCM(key)


def _to64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _from64(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
