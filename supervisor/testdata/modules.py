"""Tries to import modules in every way there is, and says of each what came of it."""

import importlib
import sys


def load(name):
    return importlib.import_module(name)


def statement():
    import subprocess


def member():
    from concurrent import futures


for name, attempt in {
    "statement": statement,
    "asyncio": lambda: load("asyncio"),
    "statement again": statement,
    "import_module": lambda: load("subprocess"),
    "__import__": lambda: __import__("subprocess"),
    "member": member,
    "package": lambda: load("bad"),
    "nested": lambda: load("good").bad(),
    "good package": lambda: load("good"),
    "own file": lambda: load("own"),
    "json": lambda: load("json"),
    "missing": lambda: load("missing"),
}.items():
    try:
        attempt()
        print(name, "loaded")
    except ModuleNotFoundError:
        print(name, "not found")
    except ImportError as error:
        print(name, str(error).rpartition(": ")[2])
