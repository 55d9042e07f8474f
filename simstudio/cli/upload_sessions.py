"""Upload sessions that outlive a command: a private file from which ``simstudio files upload`` goes on."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudio.cli.failures import CommandError

if TYPE_CHECKING:
    from simstudio.resources.v2.transfers import UploadProgress


def save(progress: UploadProgress, file: Path, session: Path | None) -> Path:
    """Write an upload session, with the secret that permits to go on, to a file that only its owner can read.

    Args:
        progress: Progress of the upload.
        file: The file that is being uploaded.
        session: File to write; by default a new one in the working directory, named after ``file``.

    Raises:
        OSError: The file cannot be written.
    """
    upload: Any = progress.upload  # a model, like every upload of the client
    data = {
        "upload": upload.to_dict(),
        "sent": progress.sent,
        "parts": sorted(progress.parts),
        **_identity(file),
    }
    if session is None:
        handle, name = tempfile.mkstemp(".upload", f"{file.name}.", ".")
        session = Path(name).relative_to(Path.cwd())
    else:
        handle = os.open(session, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        json.dump(data, opened)
    return session


def load(session: Path, file: Path) -> UploadProgress:
    """Read an upload session of a file.

    Raises:
        CommandError: The file cannot be read, or holds the session of another upload.
    """
    from simstudio.core.conversion import structure
    from simstudio.models.v2.file_uploads import FileUpload
    from simstudio.resources.v2.transfers import UploadProgress

    try:
        data = json.loads(session.read_bytes())
        upload = structure(data["upload"], FileUpload)
        progress = UploadProgress(upload, data["sent"], data["size"], frozenset(data["parts"]))
        known = {"size": data["size"], "modified": data["modified"]}
    except OSError as error:
        raise CommandError(f"{session} cannot be read: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError):
        raise CommandError(f"{session} is no upload session of simstudio files upload.") from None
    if known != _identity(file):
        raise CommandError(f"{file} has changed since this upload began, or is another file. Upload it anew.")
    return progress


def _identity(file: Path) -> dict[str, int]:
    found = file.stat()
    return {"size": found.st_size, "modified": found.st_mtime_ns}
