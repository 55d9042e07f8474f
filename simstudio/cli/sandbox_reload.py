"""``simstudio sandbox --reload``: functions are loaded anew when the app's files change; everything else stays."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudio.cli.apps import load_sandboxes
from simstudio.cli.failures import CommandError
from simstudio.cli.output import say

if TYPE_CHECKING:
    from simstudio.sandbox.serving import Served

_EVERY = 0.5
"""Seconds between two looks at the files."""


class Reloader:
    """Loads an app anew when a file of it has changed: one in its directory, or a module below.

    Args:
        app: Python file.
        servers: of its sandboxes.
        report: called with what happened.
    """

    def __init__(self, app: Path, servers: Sequence[Served[Any]], report: Callable[[str], None] = say) -> None:
        self._app = app
        self._servers = servers
        self._report = report
        self._folder = app.resolve().parent
        self._files: set[Path] = {app}
        self._changed = self._times()

    def check(self) -> None:
        """Load the app if a file has changed since the last time. An app that cannot be loaded changes nothing.

        Whatever the app raises is reported: the next change is to be seen.
        """
        times = self._times()
        if times == self._changed:
            return
        for name in self._modules():
            del sys.modules[name]
        importlib.invalidate_caches()
        try:
            found = {each.service: each for each in load_sandboxes(self._app)}
        except CommandError as error:
            self._report(f"not reloaded: {error}")
            return
        except BaseException as error:  # noqa: BLE001 - KeyboardInterrupt, which here is the app's own
            self._report(f"not reloaded: {self._app} raised {type(error).__name__}")
            return
        finally:
            self._changed = {**self._times(), **times}  # those that are imported for the first time included
        for server in self._servers:
            if server.sandbox.service in found:
                server.use_functions_of(found[server.sandbox.service])
        self._report(f"reloaded {self._app}")

    def _times(self) -> Mapping[Path, int]:
        self._files.update(self._folder.glob("*.py"), self._modules().values())
        times = {}
        for path in self._files:
            try:
                times[path] = path.stat().st_mtime_ns
            except OSError:  # an editor is just replacing it
                times[path] = 0
        return times

    def _modules(self) -> dict[str, Path]:
        """The app's own modules: those below its directory that are not installed packages."""
        found = {}
        for name, module in tuple(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if file is None or name.partition(".")[0] in ("__main__", "simstudio", "simstudio_sandbox_app"):
                continue
            path = Path(file)
            if self._folder in path.parents and "site-packages" not in path.parts:
                found[name] = path
        return found


@contextmanager
def reloading(app: Path, servers: Sequence[Served[Any]], report: Callable[[str], None] = say) -> Iterator[None]:
    """Look at the files twice a second within a ``with`` block."""
    reloader = Reloader(app, servers, report)
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_EVERY):
            reloader.check()

    thread = threading.Thread(target=watch, name="simstudio-sandbox-reload", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
