"""Encrypted payloads."""

from __future__ import annotations

import base64
import json
import sys
import unittest
from typing import Any, Dict
from unittest import mock

from drover import DroverError
from drover.core.keyring import Keyring, _from64, _to64
from drover.core.session import Session

from .fake import welcome
from .test_session import Done


def keys(mine: str, serial: int = 2) -> Dict[str, Any]:
    """The frame of keys that a worker of a pool gets."""

    def key(pool: str, number: int) -> Dict[str, str]:
        secret = (pool * 32)[:31].encode() + bytes([number])
        return {"kid": f"{pool}.{number}", "k": _to64(secret).decode()}

    return {
        "drover": "keys",
        "receive": {"pool": mine, "keys": [key(mine, serial + 1), key(mine, serial), key(mine, serial - 1)]},
        "send": {pool: key(pool, serial) for pool in ("app", "jobs", "drover")},
    }


def ring(mine: str, serial: int = 2) -> Keyring:
    made = Keyring()
    made.load(keys(mine, serial))
    return made


def header_of(jwe: str) -> Dict[str, Any]:
    value: Dict[str, Any] = json.loads(_from64(jwe.split(".")[0].encode()))
    return value


class KeyringTest(unittest.TestCase):
    def refused(self, receiver: Keyring, jwe: Any, sender: str = "app-1.1", kind: str = "t") -> str:
        with self.assertRaises(DroverError) as caught:
            receiver.open(jwe, sender, kind)
        self.assertEqual(caught.exception.code, "refused")
        return caught.exception.message

    def test_opens_what_was_sealed(self) -> None:
        jwe = ring("app").seal("jobs", "app-1.1", "t", '{"a":"é"}'.encode())
        self.assertEqual(
            base64.urlsafe_b64decode(jwe.split(".")[0] + "=="),
            b'{"alg":"dir","enc":"A256GCM","kid":"jobs.2","from":"app-1.1","type":"t","n":1}',
        )
        self.assertEqual(jwe.split(".")[1], "")
        self.assertEqual(ring("jobs").open(jwe, "app-1.1", "t"), {"a": "é"})

    def test_is_plain_aes_gcm(self) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        jwe = ring("app").seal("jobs", "app-1.1", "t", b"[1]")
        protected, _, nonce, text, tag = jwe.encode().split(b".")
        key = _from64(keys("jobs")["receive"]["keys"][1]["k"].encode())
        self.assertEqual(AESGCM(key).decrypt(_from64(nonce), _from64(text) + _from64(tag), protected), b"[1]")
        self.assertEqual((len(_from64(nonce)), len(_from64(tag))), (12, 16))

    def test_numbers_what_it_seals_over_all_receivers(self) -> None:
        sender = ring("app")
        numbers = [header_of(sender.seal(pool, "app-1.1", "t", b"1"))["n"] for pool in ("app", "jobs", "app")]
        self.assertEqual(numbers, [1, 2, 3])

    def test_opens_each_once_and_in_order(self) -> None:
        sender, receiver = ring("app"), ring("jobs")
        one, two, three = (sender.seal("jobs", "app-1.1", "t", b"1") for _ in range(3))
        receiver.open(one, "app-1.1", "t")
        self.refused(receiver, one)
        receiver.open(three, "app-1.1", "t")
        self.refused(receiver, two)
        other = ring("app").seal("jobs", "app-2.1", "t", b"2")
        self.assertEqual(receiver.open(other, "app-2.1", "t"), 2)

    def test_refuses_another_envelope(self) -> None:
        jwe = ring("app").seal("jobs", "app-1.1", "t", b"1")
        self.refused(ring("jobs"), jwe, sender="app-2.1")
        self.refused(ring("jobs"), jwe, kind="u")
        self.refused(ring("app"), jwe)
        self.refused(ring("jobs", 9), jwe)

    def test_a_refused_payload_uses_no_number_up(self) -> None:
        sender, receiver = ring("app"), ring("jobs")
        jwe = sender.seal("jobs", "app-1.1", "t", b"1")
        self.refused(receiver, jwe, kind="u")
        self.refused(receiver, jwe[:-2] + ("AA" if jwe[-2:] != "AA" else "BB"))
        self.assertEqual(receiver.open(jwe, "app-1.1", "t"), 1)

    def test_refuses_what_was_changed(self) -> None:
        jwe = ring("app").seal("jobs", "app-1.1", "t", b'{"a":1}')
        for index in range(len(jwe)):
            if jwe[index] == ".":
                continue
            changed = jwe[:index] + ("A" if jwe[index] != "A" else "Q") + jwe[index + 1 :]
            self.refused(ring("jobs"), changed)

    def test_refuses_other_forms(self) -> None:
        jwe = ring("app").seal("jobs", "app-1.1", "t", b"1")
        parts = jwe.split(".")
        for bad in (None, 7, {}, "", "....", "a.b.c", ".".join(parts[:4]), jwe + ".x", ".".join([parts[0], "QQ", *parts[2:]])):
            self.refused(ring("jobs"), bad)

    def test_refuses_other_headers_though_sealed_with_the_key(self) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        good = header_of(ring("app").seal("jobs", "app-1.1", "t", b"1"))
        key = AESGCM(_from64(keys("jobs")["receive"]["keys"][1]["k"].encode()))

        def sealed(header: Any) -> str:
            protected, nonce = _to64(json.dumps(header).encode()), bytes(12)
            both = key.encrypt(nonce, b"1", protected)
            return b".".join([protected, b"", _to64(nonce), _to64(both[:-16]), _to64(both[-16:])]).decode()

        self.assertEqual(ring("jobs").open(sealed(good), "app-1.1", "t"), 1)
        for change in (
            {"alg": "none"}, {"enc": "A128GCM"}, {"zip": "DEF"}, {"crit": []}, {"kid": []}, {"kid": "jobs"},
            {"n": True}, {"n": 0}, {"n": -1}, {"n": 1.5}, {"n": "1"}, {"n": None},
        ):  # fmt: skip
            self.refused(ring("jobs"), sealed({**good, **change}))
        for missing in good:
            self.refused(ring("jobs"), sealed({name: value for name, value in good.items() if name != missing}))
        self.refused(ring("jobs"), sealed([1]))

    def test_reads_with_the_key_before_and_the_next(self) -> None:
        jwe = ring("app", 1).seal("jobs", "app-1.1", "t", b"1")
        self.assertEqual(ring("jobs", 2).open(jwe, "app-1.1", "t"), 1)
        jwe = ring("app", 3).seal("jobs", "app-1.1", "t", b"1")
        self.assertEqual(ring("jobs", 2).open(jwe, "app-1.1", "t"), 1)

    def test_has_no_key_for_a_pool_that_it_may_not_send_to(self) -> None:
        with self.assertRaises(DroverError) as caught:
            ring("app").seal("secret", "app-1.1", "t", b"1")
        self.assertEqual(caught.exception.code, "forbidden")


class EncryptedSessionTest(unittest.TestCase):
    def session(self, worker: str, **more: Any) -> Session:
        pool, _, rest = worker.rpartition("-")
        session = Session(lambda: 0.0)
        session.hello(None, Done())
        session.take()
        frames = [keys(pool), {"drover": "reply", "id": 1, "data": welcome(worker=worker, pool=pool, encryption="on", **more)}]
        self.feed(session, *frames)
        return session

    def feed(self, session: Session, *frames: Any) -> Any:
        return session.feed(b"".join(json.dumps(frame).encode() + b"\n" for frame in frames))

    def taken(self, session: Session) -> Any:
        return json.loads(session.take())

    def test_encrypts_for_the_pool_that_receives(self) -> None:
        session = self.session("app-1.1")
        session.broadcast(None, "t", {"a": 1}, Done())
        frame = self.taken(session)
        self.assertEqual(list(frame), ["drover", "id", "type", "jwe"])
        self.assertEqual(header_of(frame["jwe"])["kid"], "app.2")
        session.send({"worker": "jobs-1"}, "t", 1, Done())
        self.assertEqual(header_of(self.taken(session)["jwe"])["kid"], "jobs.2")
        session.send({"pool": "jobs"}, "t", 1, Done())
        self.assertEqual(header_of(self.taken(session)["jwe"])["kid"], "jobs.2")
        for ask in (lambda: session.broadcast("*", "t", 1, Done()), lambda: session.publish("t", 1, Done())):
            ask()
            self.assertEqual(list(self.taken(session)["jwe"]), ["app", "jobs"])

    def test_messages_arrive(self) -> None:
        sender, receiver = self.session("app-1.1"), self.session("jobs-1.1")
        sender.send({"worker": "jobs-1"}, "t", {"a": 1}, Done())
        jwe = self.taken(sender)["jwe"]
        message = {"drover": "message", "seq": 1, "from": "app-1.1", "type": "t", "jwe": jwe}
        first, again = self.feed(receiver, message, {**message, "seq": 2})
        self.assertEqual((first.refusal, first.message.data), (None, {"a": 1}))
        self.assertEqual(again.refusal.code, "refused")

    def test_requests_are_answered(self) -> None:
        asker, answerer = self.session("app-1.1"), self.session("jobs-1.1")
        done = Done()
        asker.request({"worker": "jobs-1"}, "t", 1, None, done)
        jwe = self.taken(asker)["jwe"]
        (request,) = self.feed(answerer, {"drover": "request", "id": 1, "from": "app-1.1", "type": "t", "jwe": jwe})
        self.assertEqual(request.data, 1)
        answerer.respond(request, {"b": 2})
        answer = self.taken(answerer)["jwe"]
        self.assertEqual(header_of(answer), {**header_of(answer), "kid": "app.2", "from": "jobs-1.1", "type": "t"})
        self.feed(asker, {"drover": "reply", "id": 2, "from": "jobs-1.1", "jwe": answer})
        self.assertEqual(done.data, {"b": 2})
        (own,) = self.feed(answerer, {"drover": "request", "id": 2, "from": "drover", "type": "t", "jwe": ring("x").seal("jobs", "drover", "t", b"1")})
        answerer.respond(own, 3)
        self.assertEqual(header_of(self.taken(answerer)["jwe"])["kid"], "drover.2")

    def test_refuses_an_answer_of_another(self) -> None:
        asker = self.session("app-1.1")
        done = Done()
        asker.request({"worker": "jobs-1"}, "t", 1, None, done)
        self.feed(asker, {"drover": "reply", "id": 2, "from": "jobs-2.1", "jwe": ring("jobs").seal("app", "jobs-1.1", "t", b"1")})
        self.assertEqual(done.code, "refused")

    def test_refuses_plain_payloads(self) -> None:
        session = self.session("app-1.1")
        message = {"drover": "message", "seq": 1, "from": "app-2.1", "type": "t", "data": 1}
        request = {"drover": "request", "id": 4, "from": "app-2.1", "type": "t", "data": 1}
        (arrival,) = self.feed(session, message, request)
        self.assertEqual(arrival.refusal.code, "refused")
        self.assertEqual(self.taken(session)["error"]["code"], "refused")

    def test_checks_schemas(self) -> None:
        schema = {"type": "object", "required": ["a"]}
        receiver = self.session("jobs-1.1", schemas={"task.*": schema})
        sender = ring("app")

        def message(kind: str, text: bytes) -> Any:
            jwe = sender.seal("jobs", "app-1.1", kind, text)
            (arrival,) = self.feed(receiver, {"drover": "message", "seq": 1, "from": "app-1.1", "type": kind, "jwe": jwe})
            return arrival.refusal and arrival.refusal.code

        self.assertEqual(message("task.run", b"{}"), "refused")
        self.assertIsNone(message("task.run", b'{"a":1}'))
        self.assertIsNone(message("other", b"{}"))

    def test_the_envelope_counts_for_the_limit(self) -> None:
        session = self.session("app-1.1")
        with self.assertRaises(DroverError) as caught:
            session.broadcast(None, "t", "x" * 900000, Done())
        self.assertEqual(caught.exception.code, "too-large")

    def test_says_what_to_install(self) -> None:
        hidden = {name: None for name in sys.modules if name.startswith("cryptography")}
        hidden["cryptography"] = hidden["cryptography.hazmat.primitives.ciphers.aead"] = None
        sealed = ring("app").seal("jobs", "app-1.1", "t", b"1")
        with mock.patch.dict(sys.modules, hidden):
            with self.assertLogs("drover", "WARNING") as logged:
                session = self.session("jobs-1.1")
            self.assertIn("pip install 'drover[encryption]'", logged.output[0])
            with self.assertRaises(DroverError) as caught:
                session.broadcast(None, "t", 1, Done())
            self.assertEqual(caught.exception.code, "plain-payload")
            self.assertIn("drover[encryption]", caught.exception.message)
            message = {"drover": "message", "seq": 1, "from": "app-1.1", "type": "t", "jwe": sealed}
            (arrival,) = self.feed(session, message)
            self.assertIn("drover[encryption]", str(arrival.refusal))


if __name__ == "__main__":
    unittest.main()
