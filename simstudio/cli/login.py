"""``simstudio login`` and ``simstudio logout``: a profile with its key in the system's keyring."""

from __future__ import annotations

import os
import sys

import attrs
import click

from simstudio.cli.access import usable_key
from simstudio.cli.failures import CommandError
from simstudio.cli.global_options import global_options
from simstudio.cli.invocation import Invocation, json_option, pass_invocation
from simstudio.cli.keys import describe_keyring, ensure_keyring, remove_key, store_key
from simstudio.cli.output import on_terminal, say, write_json
from simstudio.cli.probe import check_key
from simstudio.cli.profile_file import Profile, ProfileFile, check_name
from simstudio.cli.tables import show_fields
from simstudio.errors import ConfigurationError
from simstudio.resources.settings import DEFAULT_BASE_URL
from simstudio.transport.endpoint import Endpoint
from simstudio.transport.secret import Secret
from simstudio.transport.terminal import is_terminal

_EPILOG = """\b
Examples:
  simstudio login
  simstudio login --profile work --base-url https://sim.example.com
  printf %s "$KEY" | simstudio login --with-key

\b
The key is kept in the system's keyring, and goes to this server only. Where
there is no keyring (CI, containers), set SIM_API_KEY instead. Environment
variables win over profiles. Python's SimStudioClient() reads no profiles.
"""

_LONGEST_KEY = 4096


@click.command(epilog=_EPILOG, short_help="Store an API key, for commands that follow.")
@click.option("--base-url", metavar="URL", help="Address of Sim; else SIM_BASE_URL, the profile's, https://sim.ai.")
@click.option("--workspace", metavar="ID", help="The workspace for commands that need one and name none.")
@click.option("--with-key", is_flag=True, help="Read the key from standard input, instead of asking for it.")
@global_options
@json_option
@pass_invocation
def login(
    invocation: Invocation, base_url: str | None, workspace: str | None, *, with_key: bool, as_json: bool
) -> None:
    """Ask for an API key, check it with the server, and store it in the system's keyring.

    The profile is that of --profile, else SIM_PROFILE, else "default". No option takes the key, as others on this
    machine can read command lines.
    """
    invocation.as_json = as_json
    file = ProfileFile.load()
    profile = _profile(file, _name(invocation) or "default", base_url, workspace)
    ensure_keyring()
    key = _read_key() if with_key else _ask_for_key(profile)
    invocation.secrets = (*invocation.secrets, key.reveal())
    invocation.key_advice = "Check the key, and that it belongs to this server. Nothing was stored."
    check_key(profile.base_url, key, invocation)
    store_key(profile, key)
    file = file.with_profile(profile)
    file.save()
    _show(invocation, profile, is_current=file.current == profile.name)


def _name(invocation: Invocation) -> str | None:
    return invocation.profile or os.environ.get("SIM_PROFILE", "").strip() or None


def _profile(file: ProfileFile, name: str, base_url: str | None, workspace: str | None) -> Profile:
    """The profile to log in to.

    Raises:
        CommandError: The profile is one of another server.
    """
    address = base_url or os.environ.get("SIM_BASE_URL", "").strip() or None
    if name not in file.names:
        return Profile(check_name(name), Endpoint(address or DEFAULT_BASE_URL).base_url, workspace)
    known = file.get(name)
    if address is not None and Endpoint(address).origin != known.origin:
        raise CommandError(
            f"The profile {name} is for {known.base_url}. For {address}, give another --profile NAME; or log out of "
            f"it first: simstudio logout --profile {name}"
        )
    changed = attrs.evolve(known, workspace_id=workspace) if workspace else known
    return attrs.evolve(changed, base_url=Endpoint(address).base_url) if address is not None else changed


def _read_key() -> Secret[str]:
    """The key on standard input."""
    stream = sys.stdin
    return _check(Secret(stream.read(_LONGEST_KEY) if stream is not None else ""))


def _ask_for_key(profile: Profile) -> Secret[str]:
    """The key, typed on the terminal without being shown."""
    if not is_terminal(sys.stdin):
        raise CommandError(
            "There is no terminal to ask for the key on. Give --with-key and the key on standard input, or set "
            "SIM_API_KEY and do without a profile."
        )
    return _check(Secret(click.prompt(f"API key for {profile.base_url}", hide_input=True, err=True)))


def _check(key: Secret[str]) -> Secret[str]:
    if not key.reveal().strip():
        raise CommandError("No key was given.")
    try:
        return usable_key(Secret(key.reveal().strip()))
    except ConfigurationError as error:
        raise CommandError(str(error).replace("api_key", "The key")) from None


def _show(invocation: Invocation, profile: Profile, *, is_current: bool) -> None:
    if invocation.as_json or not on_terminal():
        write_json({**describe_profile(profile, is_current=is_current), "keyring": describe_keyring()})
    else:
        show_fields([("profile", profile.name), ("server", profile.base_url), ("key in", describe_keyring())])
    if not is_current:
        say(f"note: to use it: --profile {profile.name}, or for all commands: simstudio profiles use {profile.name}")
    if os.environ.get("SIM_API_KEY", "").strip():
        say("note: SIM_API_KEY is set, and wins over profiles")


def describe_profile(profile: Profile, *, is_current: bool) -> dict[str, str | bool | None]:
    """A profile as JSON data."""
    return {
        "name": profile.name,
        "baseUrl": profile.base_url,
        "workspaceId": profile.workspace_id,
        "current": is_current,
    }


@click.command(short_help="Remove a stored API key and its profile.")
@global_options
@json_option
@pass_invocation
def logout(invocation: Invocation, *, as_json: bool) -> None:
    """Remove a profile, and its key from the system's keyring.

    The profile is that of --profile, else SIM_PROFILE, else the current one. The key itself stays valid: Sim's settings
    revoke it.
    """
    invocation.as_json = as_json
    file = ProfileFile.load()
    profile = file.choose(_name(invocation))
    if profile is None:
        raise CommandError("There is no profile to log out of.")
    remove_key(profile)
    file.without(profile.name).save()
    if as_json or not on_terminal():
        write_json({"name": profile.name, "baseUrl": profile.base_url, "loggedOut": True})
    else:
        show_fields([("profile", profile.name), ("server", profile.base_url), ("logged out", True)])
