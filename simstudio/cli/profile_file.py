"""Profiles: names for servers, in a TOML file of the user's configuration folder. Keys are in no file.

The file names a server for each profile, and the profile that is used if a command names none::

    current = "work"

    [profiles.work]
    base_url = "https://sim.example.com"
    workspace_id = "ws-1"
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from simstudio.cli.failures import CommandError
from simstudio.errors import ConfigurationError
from simstudio.transport.endpoint import Endpoint

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@attrs.frozen
class Profile:
    """A server that commands can name.

    Attributes:
        name: The profile's name.
        base_url: The server's address, in normal form.
        workspace_id: The workspace for commands that need one; None if the profile names none.
    """

    name: str
    base_url: str
    workspace_id: str | None = None

    @property
    def origin(self) -> str:
        """Scheme, host and port of the server: the only place that gets the profile's key."""
        return Endpoint(self.base_url).origin


@attrs.frozen
class ProfileFile:
    """The content of the file of profiles.

    Attributes:
        path: Path of the file.
        document: The whole TOML document; entries that this version does not define are kept.
    """

    path: Path
    document: Mapping[str, Any]

    @classmethod
    def load(cls) -> ProfileFile:
        """Read the file; without a file there are no profiles.

        Raises:
            CommandError: The file cannot be read, or is not TOML.
        """
        from platformdirs import user_config_path

        path = user_config_path("simstudio", appauthor=False) / "profiles.toml"
        try:
            return cls(path, tomllib.loads(path.read_bytes().decode("utf-8-sig")))
        except FileNotFoundError:
            return cls(path, {})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise CommandError(f"The profiles in {path} are no valid TOML: {error}. {_MEND}") from error
        except OSError as error:
            raise CommandError(f"The profiles in {path} cannot be read: {error.strerror or error}. {_MEND}") from error

    @property
    def names(self) -> list[str]:
        """Names of the profiles, sorted."""
        return sorted(self._tables())

    @property
    def current(self) -> str | None:
        """Name of the profile for commands that name none: the chosen one, or the only one; None if there is none."""
        chosen = self.document.get("current")
        if isinstance(chosen, str):
            return chosen
        return self.names[0] if len(self.names) == 1 else None

    def get(self, name: str) -> Profile:
        """The profile of a name.

        Raises:
            CommandError: There is no such profile, or the file has no usable address for it.
        """
        table = self._tables().get(name)
        if table is None:
            known = f"The profiles are: {', '.join(self.names)}." if self.names else "There are none yet."
            raise CommandError(f"There is no profile {name!r}. {known} simstudio login --profile NAME makes one.")
        base_url = table.get("base_url") if isinstance(table, Mapping) else None
        workspace_id = table.get("workspace_id") if isinstance(table, Mapping) else None
        if not isinstance(base_url, str) or not isinstance(workspace_id, str | None):
            raise CommandError(f"The profile {name!r} in {self.path} has no base_url that is text. {_MEND}")
        try:
            return Profile(name, Endpoint(base_url).base_url, workspace_id)
        except ConfigurationError as error:
            raise CommandError(f"The profile {name!r} in {self.path} cannot be used: {error}") from None

    def choose(self, name: str | None = None) -> Profile | None:
        """The named profile, or the current one; None if there are no profiles.

        Raises:
            CommandError: There is no such profile, or several and none is current.
        """
        name = name or self.current
        if name is not None:
            return self.get(name)
        if self.names:
            raise CommandError(
                f"There are several profiles ({', '.join(self.names)}), and none is chosen: give --profile NAME, or "
                "choose one with simstudio profiles use NAME."
            )
        return None

    def with_profile(self, profile: Profile) -> ProfileFile:
        """This content with one more profile, or with another one of the same name. The first one becomes current."""
        known = self._tables().get(profile.name)
        table = {**(known if isinstance(known, Mapping) else {}), "base_url": profile.base_url}
        if profile.workspace_id is not None:
            table["workspace_id"] = profile.workspace_id
        first = {} if self.names else {"current": profile.name}
        return self._write_values({**first, "profiles": {**self._tables(), profile.name: table}})

    def without(self, name: str) -> ProfileFile:
        """This content without a profile."""
        rest = {each: table for each, table in self._tables().items() if each != name}
        return self._write_values({"profiles": rest, **({"current": None} if self.current == name else {})})

    def using(self, name: str) -> ProfileFile:
        """This content with another current profile."""
        return self._write_values({"current": name})

    def save(self) -> None:
        """Write the file: private, and complete or not at all.

        Raises:
            CommandError: The file cannot be written.
        """
        import tomli_w

        from simstudio.core.disk import PartialFile

        part = None
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = PartialFile.beside(Path(os.path.realpath(self.path)))
            with os.fdopen(part.fd, "wb") as file:
                tomli_w.dump(self.document, file)
            part.path.replace(part.target)  # with the mode of the part, which is private
        except OSError as error:
            if part is not None:
                with suppress(OSError):
                    part.path.unlink()
            raise CommandError(f"The profiles in {self.path} cannot be written: {error.strerror or error}.") from error

    def _tables(self) -> Mapping[str, Any]:
        found = self.document.get("profiles", {})
        if not isinstance(found, Mapping):
            raise CommandError(f"In {self.path}, profiles is no table. {_MEND}")
        return found

    def _write_values(self, values: Mapping[str, Any]) -> ProfileFile:
        document = {name: value for name, value in {**self.document, **values}.items() if value is not None}
        return attrs.evolve(self, document=document)


_MEND = "Mend or remove the file; with SIM_API_KEY set, no profile is needed."


def check_name(name: str) -> str:
    """A name for a new profile.

    Raises:
        CommandError: The name holds other characters than letters, digits, dots, dashes and underscores.
    """
    if not _NAME.fullmatch(name):
        raise CommandError(f"{name!r} is no name for a profile: use letters, digits, dots, dashes and underscores.")
    return name
