"""API keys of profiles in the system's keyring.

A key is stored under the origin of its server as well as under the name of its profile: a profile whose address was
changed in the file has no key, so that no key goes to another server than the one it was given for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from simstudio.cli.failures import CommandError, ExitCode
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from simstudio.cli.profile_file import Profile

_INSTEAD = "Set the environment variable SIM_API_KEY instead; no key is ever written to a plain file."


def store_key(profile: Profile, key: Secret[str]) -> None:
    """Store the key of a profile.

    Raises:
        CommandError: The keyring does not keep it.
    """
    with _keyring_errors():
        import keyring

        keyring.set_password(_service(profile), profile.name, key.reveal())
        kept = Secret(keyring.get_password(_service(profile), profile.name))
    if kept != key:
        raise _unusable(f"The keyring here ({describe_keyring()}) keeps nothing. {_INSTEAD}")


def fetch_key(profile: Profile) -> Secret[str] | None:
    """The key of a profile; None if the keyring has none for this name and origin.

    Raises:
        CommandError: The keyring cannot be read.
    """
    with _keyring_errors():
        import keyring

        found = Secret(keyring.get_password(_service(profile), profile.name))
    return Secret(str(found.reveal())) if found.reveal() else None


def remove_key(profile: Profile) -> None:
    """Remove the key of a profile, if there is one.

    Raises:
        CommandError: The keyring cannot be changed.
    """
    if fetch_key(profile) is not None:
        with _keyring_errors():
            import keyring

            keyring.delete_password(_service(profile), profile.name)


def ensure_keyring() -> None:
    """Make sure that there is a keyring with encryption, before the user is asked for a key.

    Raises:
        CommandError: The machine has no keyring.
    """
    with _keyring_errors():
        import keyring
        from keyring.backends import fail

        found = keyring.get_keyring()
        if isinstance(found, fail.Keyring):
            raise _unusable(_ABSENT)
    if "plaintext" in type(found).__name__.lower():
        raise _unusable(f"The keyring here ({describe_keyring()}) writes keys to a plain file. {_INSTEAD}")


def describe_keyring() -> str:
    """Name of the keyring, such as ``SecretService Keyring``."""
    import keyring

    return str(keyring.get_keyring().name)


def _service(profile: Profile) -> str:
    return f"simstudio {profile.origin}"


_ABSENT = f"This machine has no keyring, as is usual without a desktop. {_INSTEAD}"


@contextmanager
def _keyring_errors() -> Iterator[None]:
    try:
        yield
    except CommandError:
        raise
    except Exception as error:  # noqa: BLE001 - backends raise errors of D-Bus, of the system and of their own
        kind = type(error).__name__
        if kind == "NoKeyringError":
            raise _unusable(_ABSENT) from None
        locked = "Locked" in kind
        state = "is locked. Unlock it, or set" if locked else f"cannot be used ({kind}). Mend it, or set"
        raise _unusable(f"The keyring {state} the environment variable SIM_API_KEY.") from None


def _unusable(text: str) -> CommandError:
    return CommandError(text, ExitCode.CONNECTION, "KeyringError")
