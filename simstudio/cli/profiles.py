"""``simstudio profiles``: the servers that login has stored."""

from __future__ import annotations

import os

import click

from simstudio.cli.failures import CommandError
from simstudio.cli.global_options import complete_profiles
from simstudio.cli.invocation import Invocation, json_option, pass_invocation
from simstudio.cli.keys import fetch_key
from simstudio.cli.lists import Column, show_list, view_options
from simstudio.cli.login import describe_profile
from simstudio.cli.output import on_terminal, say, write_json
from simstudio.cli.profile_file import ProfileFile
from simstudio.cli.tables import show_fields

_EPILOG = """\b
Examples:
  simstudio login --profile work --base-url https://sim.example.com
  simstudio profiles use work
  simstudio --profile work usage
"""


_PROFILES = (
    Column("profile", "name", "id"),
    Column("server", "baseUrl"),
    Column("workspace", "workspaceId"),
    Column("current", "current"),
)


@click.group(epilog=_EPILOG, invoke_without_command=True)
@click.pass_context
def profiles(ctx: click.Context) -> None:
    """List profiles, which are made by login, and choose one."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@profiles.command("list")
@json_option
@pass_invocation
@view_options
def list_(invocation: Invocation, *, as_json: bool) -> None:
    """List the profiles. No key is read. Of a profile that cannot be used, standard error says why."""
    invocation.as_json = as_json
    file = ProfileFile.load()
    found = []
    for name in file.names:
        try:
            found.append(describe_profile(file.get(name), is_current=name == file.current))
        except CommandError as error:
            say(f"warning: {error}")
    if file.names or as_json or not on_terminal():
        show_list(found, _PROFILES)
    else:
        say("note: there are no profiles; simstudio login makes one")


@profiles.command
@click.argument("name", shell_complete=complete_profiles)
@json_option
@pass_invocation
def use(invocation: Invocation, name: str, *, as_json: bool) -> None:
    """Make NAME the profile of commands that name none."""
    invocation.as_json = as_json
    file = ProfileFile.load()
    profile = file.get(name)
    file.using(name).save()
    if as_json or not on_terminal():
        write_json(describe_profile(profile, is_current=True))
    else:
        show_fields([("profile", profile.name), ("server", profile.base_url), ("current", True)])
    _say_what_wins()


@profiles.command
@click.argument("name", required=False, shell_complete=complete_profiles)
@json_option
@pass_invocation
def show(invocation: Invocation, name: str | None, *, as_json: bool) -> None:
    """Show the profile NAME, or the one in use, and whether the keyring has its key. The key is not shown."""
    invocation.as_json = as_json
    file = ProfileFile.load()
    profile = file.choose(name or invocation.profile or os.environ.get("SIM_PROFILE", "").strip() or None)
    if profile is None:
        say("note: there are no profiles; simstudio login makes one")
        return
    told = describe_profile(profile, is_current=profile.name == file.current)
    stored = fetch_key(profile) is not None
    if as_json or not on_terminal():
        write_json({**told, "keyStored": stored, "file": str(file.path)})
    else:
        show_fields(
            [
                ("profile", profile.name),
                ("server", profile.base_url),
                ("workspace", profile.workspace_id),
                ("current", told["current"]),
                ("key stored", stored),
                ("file", str(file.path)),
            ]
        )
    _say_what_wins()


def _say_what_wins() -> None:
    ambient = [name for name in ("SIM_API_KEY", "SIM_BASE_URL", "SIM_PROFILE") if os.environ.get(name, "").strip()]
    if ambient:
        verb = "is set, and wins" if len(ambient) == 1 else "are set, and win"
        say(f"note: {' and '.join(ambient)} {verb} over the current profile")
