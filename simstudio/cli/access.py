"""The server that a command talks to, and the API key for it: from options, the environment, or a profile.

Options win over the environment, and the environment wins over profiles. With ``SIM_API_KEY`` set, a profile is used
only if ``--profile`` or ``SIM_PROFILE`` names it, and then only for its address. The key of a profile goes to the
origin of the profile's address and nowhere else.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import attrs

from simstudio.cli.failures import CommandError, ExitCode
from simstudio.errors import ConfigurationError
from simstudio.resources.settings import DEFAULT_BASE_URL, check_api_key
from simstudio.transport.auth import Credentials
from simstudio.transport.endpoint import Endpoint
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from simstudio.cli.invocation import Invocation
    from simstudio.cli.profile_file import Profile


@attrs.frozen
class Access:
    """A server's address, and the key for it.

    Attributes:
        base_url_source: Source of the address, in words.
        profile: The profile in use; None if there is none.
        key: The key; None if there is none.
        key_source: Source of the key, in words.
    """

    base_url: str
    base_url_source: str
    profile: Profile | None
    key: Secret[str] | None
    key_source: str = ""


def find_profile(invocation: Invocation) -> Profile | None:
    """The profile in use; None if the environment has a key and no profile is named, or if there are no profiles.

    Raises:
        CommandError: The profile cannot be found.
    """
    named = invocation.profile or os.environ.get("SIM_PROFILE", "").strip()
    if not named and _environment_has_key():
        return None
    from simstudio.cli.profile_file import ProfileFile

    return ProfileFile.load().choose(named or None)


def find_access(invocation: Invocation, base_url: str | None) -> Access:
    """The server and the key for a command; the key is None if there is none.

    Raises:
        CommandError: The profile cannot be found, its key cannot be read, or it belongs to another server.
        ConfigurationError: The address cannot be used.
    """
    profile = find_profile(invocation)
    address, source = find_address(base_url, profile)
    if _environment_has_key():
        return Access(address, source, profile, Secret(os.environ["SIM_API_KEY"]), "SIM_API_KEY")
    if profile is None:
        return Access(address, source, None, None)
    if Endpoint(address).origin != profile.origin:
        raise CommandError(
            f"The key of the profile {profile.name} is for {profile.origin} and goes nowhere else, and {source} says "
            f"{address}. Leave that out, log in there with another profile, or set SIM_API_KEY.",
            ExitCode.CONNECTION,
            ConfigurationError.__name__,
        )
    from simstudio.cli.keys import fetch_key

    return Access(address, source, profile, fetch_key(profile), f"the keyring, for the profile {profile.name}")


def find_key(invocation: Invocation, access: Access) -> Secret[str]:
    """The key, in a form that can be sent. What the command reports shows it nowhere.

    Raises:
        CommandError: There is no key, or it cannot be sent.
    """
    profile = access.profile
    if access.key is None:
        problem = (
            "No API key. Log in with simstudio login, set the environment variable SIM_API_KEY, or try --sandbox, "
            "which needs none."
            if profile is None
            else f"The keyring has no key for the profile {profile.name} at {profile.origin}. {log_in_again(profile)}"
        )
    else:
        if access.key_source != "SIM_API_KEY" and profile is not None:
            invocation.secrets = (*invocation.secrets, access.key.reveal())
            invocation.key_advice = log_in_again(profile)
        try:
            return usable_key(access.key)
        except ConfigurationError as error:
            named = "SIM_API_KEY" if access.key_source == "SIM_API_KEY" else "The stored key"
            problem = str(error).replace("api_key", named)
    raise CommandError(problem, ExitCode.CONNECTION, ConfigurationError.__name__)


def usable_key(key: Secret[str]) -> Secret[str]:
    """A key that can be sent in a header.

    Raises:
        ConfigurationError: The key is empty, or holds a character that no header may hold.
    """
    return Secret(str(Credentials(check_api_key(key)).key))


def log_in_again(profile: Profile) -> str:
    """Advice: the command that replaces the key of a profile."""
    return f"Log in again: simstudio login --profile {profile.name}"


def _environment_has_key() -> bool:
    return bool(os.environ.get("SIM_API_KEY", "").strip())


def find_address(base_url: str | None, profile: Profile | None) -> tuple[str, str]:
    """The address in normal form, and the setting that it comes from.

    Raises:
        ConfigurationError: The address cannot be used.
    """
    if base_url is not None:
        return Endpoint(base_url).base_url, "--base-url"
    ambient = os.environ.get("SIM_BASE_URL", "").strip()
    if ambient:
        try:
            return Endpoint(ambient).base_url, "SIM_BASE_URL"
        except ConfigurationError as error:
            raise ConfigurationError(str(error).replace("base_url", "SIM_BASE_URL", 1)) from None
    if profile is not None:
        return profile.base_url, f"the profile {profile.name}"
    return DEFAULT_BASE_URL, "the default"
