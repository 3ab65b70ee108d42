"""security.modules for Python: a module that the settings do not let the pool import raises an ImportError that
names the setting. This is a guard against accidents and against what a package brings along, not a wall around
hostile code. drover puts the folder of this file first in PYTHONPATH; a sitecustomize of the user's own runs, too.
"""

import builtins
import importlib
import importlib.machinery
import json
import os
import sys


class _Guard:
    def __init__(self, settings):
        self.pool = settings["pool"]
        self.allow = settings["allow"]
        self.deny = settings["deny"]
        self.library = os.path.dirname(os.__file__) + os.sep
        self.here = os.path.abspath(__file__)
        self.passed = set()  # names by who asks

    def install(self):
        sys.meta_path.insert(0, self)
        load, load_by_name = builtins.__import__, importlib.import_module

        # What is loaded already is looked up without any finder.
        def __import__(name, globals=None, locals=None, fromlist=(), level=0):
            if level == 0:
                self.check(name, _caller(globals), fromlist)
            return load(name, globals, locals, fromlist, level)

        def import_module(name, package=None):
            if not name.startswith("."):
                self.check(name, _caller(sys._getframe(1).f_globals), ())
            return load_by_name(name, package)

        builtins.__import__ = __import__
        importlib.import_module = import_module

    def find_spec(self, name, path=None, target=None):
        """The finder: what is loaded for the first time, however it is asked for."""
        frame = sys._getframe(1)
        while frame is not None and ("importlib" in frame.f_code.co_filename or frame.f_code.co_filename == self.here):
            frame = frame.f_back
        self.check(name, _caller(frame.f_globals if frame else None), (), path)
        return None  # the others find it

    def check(self, name, caller, fromlist, path=None):
        key = (name, caller, tuple(fromlist or ()))
        if key in self.passed:
            return
        asker, file = caller
        # What Python's own modules and a package import of their own is not asked.
        if not (file.startswith(("<frozen", self.library)) and "-packages" + os.sep not in file) and asker.partition(".")[0] != name.partition(".")[0]:
            for full in [name] + ["%s.%s" % (name, item) for item in fromlist or () if isinstance(item, str)]:
                if any(_matches(p, full) for p in self.deny) or any(_matches(p, "python:" + full) for p in self.deny if self.standard(name, path)):
                    self.refuse(full, asker, "security.modules.deny of the pool names it")
            if self.allow and not self.allowed(name, path):
                self.refuse(name, asker, "security.modules.allow of the pool does not name it")
        self.passed.add(key)

    def allowed(self, name, path):
        if any(_matches(p, name) or p.startswith(name + ".") for p in self.allow):
            return True
        origin = self.origin(name, path)
        if origin is None:
            return True  # not found: the import itself says so
        if self.in_library(origin):
            return any(_matches(p, "python:" + name) for p in self.allow)
        return "-packages" + os.sep not in origin  # the application's own

    def standard(self, name, path):
        return self.in_library(self.origin(name, path) or "")

    def in_library(self, origin):
        return origin in ("built-in", "frozen") or origin.startswith(self.library) and "-packages" + os.sep not in origin

    def origin(self, name, path):
        """Where a module comes from; None when there is none."""
        loaded = sys.modules.get(name)
        spec = getattr(loaded, "__spec__", None)
        if spec is None:
            spec = self.find(name, path)
        if spec is None:
            return None
        if spec.origin not in (None, "namespace"):
            return spec.origin
        return next(iter(spec.submodule_search_locations or ()), "") + os.sep  # a package of folders alone

    def find(self, name, path):
        top = name.partition(".")[0]
        if path is None and top != name:
            name = top  # its package decides
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path)
                if spec is not None:
                    return spec
        return None

    def refuse(self, name, asker, why):
        raise ImportError(
            'drover does not let workers of pool %s import "%s", which %s asks for: %s' % (self.pool, name, asker, why),
            name=name,
        )


def _matches(pattern, name):
    """A pattern is a name, which stands for what is below it, too, or the beginning of one with * at its end."""
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return name == pattern or name.startswith(pattern + ".")


def _caller(names):
    names = names or {}
    return names.get("__name__") or "?", names.get("__file__") or "?"


def _run_next():
    """Runs the sitecustomize that this one stands in front of."""
    here = os.path.dirname(os.path.abspath(__file__))
    rest = [folder for folder in sys.path if os.path.abspath(folder or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", rest)
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


import importlib.util  # noqa: E402

_settings = os.environ.get("DROVER_MODULES")
try:
    _run_next()
finally:
    if _settings:
        _Guard(json.loads(_settings)).install()
