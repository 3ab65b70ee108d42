"""Finding the channel, and that one process alone uses it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import unittest

import drover
from drover import Client, DroverError

from .fake import FakeDrover

ROOT = os.path.dirname(os.path.dirname(__file__))

# A drover at the other end of a socket pair: starts a program with the other end and answers its hello.
PARENT = r"""
import json, os, socket, subprocess, sys
mine, theirs = socket.socketpair()
mine.settimeout(20)
env = {**os.environ, "DROVER_IPC_FD": str(theirs.fileno()), "DROVER_WORKER_ID": "app-1.1", "NODE_CHANNEL_FD": "3"}
child = subprocess.Popen([sys.executable, "-W", "error", "-c", sys.argv[1]], env=env, pass_fds=[theirs.fileno()])
theirs.close()
lines = mine.makefile("rb")
for line in lines:
    frame = json.loads(line)
    if frame["drover"] == "hello":
        data = {"version": 1, "worker": "app-1.1", "pool": "app", "slot": 1, "generation": 1, "maxMessageBytes": 1048576,
                "maxDepth": 64, "requestTimeoutMs": 5000, "cache": True, "encryption": "off"}
        assert "key" not in frame
        mine.sendall(json.dumps({"drover": "reply", "id": frame["id"], "data": data}).encode() + b"\n")
    print("got", frame["drover"], flush=True)
print("end of channel", child.wait(20), flush=True)
lines.close(), mine.close()
"""


class ChannelTest(unittest.TestCase):
    def run_worker(self, program: str) -> str:
        """Runs a program whose channel is an inherited descriptor; returns what both sides wrote."""
        # Each line in one write: both sides share the pipe.
        env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", PARENT, program],
            cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
        )  # fmt: skip
        return done.stdout

    def test_the_inherited_descriptor(self) -> None:
        out = self.run_worker("import drover; drover.ready(); print(drover.worker.id, flush=True)")
        self.assertEqual(sorted(out.split("\n")), ["", "app-1.1", "end of channel 0", "got hello", "got ready"])

    def test_children_do_not_inherit_it(self) -> None:
        out = self.run_worker(
            "import drover, os, subprocess, sys\n"
            "drover.ready()\n"
            "print('names:', [name for name in os.environ if 'IPC' in name or 'CHANNEL' in name], flush=True)\n"
            "subprocess.run([sys.executable, '-c', \"import os\\nfor n in os.listdir('/proc/self/fd'):\\n"
            " try: print('has', os.readlink('/proc/self/fd/' + n))\\n except OSError: pass\"], close_fds=False)\n"
        )
        self.assertIn("names: []", out)
        self.assertIn("has /dev/null", out)
        self.assertNotIn("has socket:", out)

    def test_a_forked_child_is_told_that_it_has_no_channel(self) -> None:
        out = self.run_worker(
            "import drover, os\n"
            "drover.ready()\n"
            "pid = os.fork()\n"
            "if pid == 0:\n"
            "    for call in (drover.ready, lambda: drover.cache.get('k'), lambda: drover.cache.namespace('n', near=True)):\n"
            "        try: call()\n"
            "        except drover.DroverError as error: print('child:', error, flush=True)\n"
            "    os._exit(0)\n"
            "os.waitpid(pid, 0)\n"
            "drover.close()\n"
        )
        self.assertEqual(out.count("child: closed: the channel to drover belongs to the process that this one was"), 3)
        self.assertEqual(out.count("got ready"), 1)
        self.assertIn("end of channel 0", out)

    def test_a_forked_child_of_an_asyncio_program_leaves_the_parents_loop_alone(self) -> None:
        out = self.run_worker(
            "import asyncio, drover.aio, os, signal\n"
            "async def main():\n"
            "    client = await drover.aio.connect()\n"
            "    client.on_shutdown(lambda: print('shutdown', flush=True))\n"
            "    pid = os.fork()\n"
            "    if pid == 0:\n"
            "        try: client.ready()\n"
            "        except drover.DroverError as error: print('child:', error.code, flush=True)\n"
            "        os.kill(os.getpid(), signal.SIGTERM)\n"
            "        os._exit(7)\n"
            "    print('child ended with', os.waitpid(pid, 0)[1], flush=True)\n"
            "    client.ready()\n"
            "    await client.close()\n"
            "asyncio.run(main())\n"
        )
        self.assertIn("child: closed", out)
        self.assertIn(f"child ended with {15}\n", out)
        self.assertIn("got ready", out)
        self.assertNotIn("shutdown", out)

    def test_sigterm_ends_the_program_again_when_the_client_is_closed(self) -> None:
        for program in (
            "import drover, os, signal\n"
            "told = __import__('threading').Event()\n"
            "drover.on_shutdown(told.set)\n"
            "os.kill(os.getpid(), signal.SIGTERM)\n"
            "print('told', told.wait(20), flush=True)\n"
            "drover.close()\n"
            "os.kill(os.getpid(), signal.SIGTERM)\n",
            "import asyncio, drover.aio, os, signal\n"
            "async def main():\n"
            "    client, told = await drover.aio.connect(), asyncio.Event()\n"
            "    client.on_shutdown(told.set)\n"
            "    os.kill(os.getpid(), signal.SIGTERM)\n"
            "    print('told', await told.wait(), flush=True)\n"
            "    await client.close()\n"
            "    os.kill(os.getpid(), signal.SIGTERM)\n"
            "asyncio.run(main())\n",
        ):
            out = self.run_worker(program)
            self.assertIn("told True", out)
            self.assertIn("end of channel -15", out)

    def test_of_two_processes_that_share_it_one_has_it(self) -> None:
        out = self.run_worker(
            "import os, time\n"
            "ready, go = os.pipe()\n"
            "pid = os.fork()\n"
            "import drover\n"
            "if pid == 0:\n"
            "    os.read(ready, 1)\n"
            "    try: drover.ready()\n"
            "    except drover.DroverError as error: print('second:', error, flush=True)\n"
            "    os._exit(0)\n"
            "drover.ready()\n"
            "os.write(go, b'x')\n"
            "os.waitpid(pid, 0)\n"
        )
        self.assertIn("second: closed: another process of this worker has the channel to drover", out)
        self.assertEqual(out.count("got hello"), 1)


class PathTest(unittest.TestCase):
    def setUp(self) -> None:
        self.drover = FakeDrover()
        self.addCleanup(self.drover.close)

    def test_the_key_goes_into_hello_and_out_of_the_environment(self) -> None:
        greeter = self.drover.greet()
        with Client() as client:
            greeter.join()
            self.assertEqual(
                self.drover.hello,
                b'{"drover":"hello","id":1,"version":1,"client":"python/1.0.0","acks":true,"key":"secret"}',
            )
            self.assertEqual(client.worker.id, "app-1.1")
            self.assertNotIn("DROVER_IPC_KEY", os.environ)
            with self.assertRaises(DroverError) as caught:
                Client()
            self.assertEqual(caught.exception.code, "closed")

    def test_a_wrong_key(self) -> None:
        greeter = self.drover.greet(error={"code": "key", "message": "no such key"})
        with self.assertRaises(DroverError) as caught:
            Client()
        greeter.join()
        self.assertEqual(caught.exception.code, "key")

    def test_descriptors_that_are_not_the_channel_do_not_count(self) -> None:
        mine, other = socket.socketpair()  # such as an event loop makes for itself
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(os.path.join(self.drover._dir, "other"))
        listening.listen()
        tcp = socket.socket()
        datagrams = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with open(os.devnull) as file, mine, other, listening, tcp, datagrams[0], datagrams[1]:
            numbers = [s.fileno() for s in (mine, listening, tcp, datagrams[0], file)]
            for value in [*map(str, numbers), "999", "-1", "x", ""]:
                os.environ["DROVER_IPC_FD"] = value
                os.environ["DROVER_IPC_SOCKET"], os.environ["DROVER_IPC_KEY"] = self.drover.path, "secret"
                greeter = self.drover.greet()
                Client().close()
                greeter.join()
            for end in (mine, listening, tcp, datagrams[0]):
                end.getsockname()  # still what it was
                self.assertTrue(os.fstat(end.fileno()))

    def test_a_path_that_leads_nowhere(self) -> None:
        os.environ["DROVER_IPC_SOCKET"] = self.drover.path + ".gone"
        with self.assertRaises(DroverError) as caught:
            Client()
        self.assertEqual(caught.exception.code, "closed")
        self.assertIn("No such file", caught.exception.message)

    def test_under_drover_without_a_channel(self) -> None:
        del os.environ["DROVER_IPC_KEY"]
        with self.assertRaises(DroverError) as caught:
            drover.ready()
        self.assertIn("another process of this worker has it", caught.exception.message)


if __name__ == "__main__":
    unittest.main()
