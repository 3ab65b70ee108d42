"""Starts the worker as npm start would: without the descriptor of the channel, and with signals passed on."""
import os
import signal
import subprocess
import sys

child = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(__file__), sys.argv[1])], close_fds=True)
signal.signal(signal.SIGTERM, lambda *_: child.terminate())
sys.exit(child.wait())
