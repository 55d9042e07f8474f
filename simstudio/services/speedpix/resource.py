"""Base of SpeedPix's resources: signed requests, envelopes, and the policy on files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.core.failures import add_advice, outcome_advice
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.resource import APIResource, encode_json
from simstudio.core.session import Session
from simstudio.services.speedpix.credentials import METHOD, SIGNED
from simstudio.services.speedpix.envelope import Envelope, read_envelope, status_error
from simstudio.services.speedpix.errors import FAMILY, SpeedPixConfigurationError
from simstudio.services.speedpix.paths import UploadRule
from simstudio.transport.errors import InvalidInputError, ServerError

if TYPE_CHECKING:
    import os

    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Request, Resend, Response

JSON = "application/json; charset=utf-8"


@attrs.frozen
class Policy:
    """Settings of a client for files.

    Attributes:
        upload_paths: Whether media files that texts in an input name are uploaded.
        upload_root: Directory below which they must be; None for the current directory at the time of the call.
        allow_insecure_urls: Whether files are sent to http addresses of other machines.
    """

    upload_paths: bool = True
    upload_root: Path | None = None
    allow_insecure_urls: bool = False

    @classmethod
    def of(
        cls, *, upload_paths: object, upload_root: str | os.PathLike[str] | None, allow_insecure_urls: object
    ) -> Policy:
        """Check the settings.

        Raises:
            SpeedPixConfigurationError: A setting cannot be used; the message names it.
        """
        for name, value in (("upload_paths", upload_paths), ("allow_insecure_urls", allow_insecure_urls)):
            if not isinstance(value, bool):
                raise SpeedPixConfigurationError(f"{name} must be True or False, not {value!r}.")
        try:
            root = check_root(upload_root)
        except InvalidInputError as error:
            raise SpeedPixConfigurationError(str(error)) from None
        return cls(bool(upload_paths), root, bool(allow_insecure_urls))

    def rule(self, *, upload_paths: bool | None, upload_root: str | os.PathLike[str] | None) -> UploadRule:
        """The rule for texts in the input of one call; None stands for the client's setting."""
        enabled = self.upload_paths if upload_paths is None else bool(upload_paths)
        return UploadRule(enabled, self.upload_root if upload_root is None else check_root(upload_root))


class SpeedPixSession(Session):
    """The state that a client shares with its clones, with the settings for files."""

    def __init__(self, policy: Policy, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.policy = policy


class SpeedPixResource(APIResource[M]):
    """A namespace of SpeedPix's client. Requests are signed, and errors are SpeedPix's own."""

    def _request(self, method: str, path: str, **options: Any) -> Request:
        request = super()._request(method, path, **options)
        own: Mapping[str, str] = self._context.options.headers
        given = {name.lower() for name in [*own, *(options.get("headers") or {})]}
        for name in ("Content-Type", "Accept"):
            if name.lower() not in given:
                request.headers.put(name, JSON)
        request.headers.put(SIGNED, METHOD)
        return request

    def _call(self, request: Request) -> Flow[Response]:
        with FAMILY.raise_own():
            return (yield from super()._call(request))

    def _error(self, response: Response) -> Exception:
        return status_error(response, self._context.session.credentials)

    def _envelope(self, response: Response) -> Envelope:
        return read_envelope(response, self._context.session.credentials)

    def _invoke(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        resend: Resend,
        headers: Mapping[str, str] | None = None,
        timeout: float | Unset | None = UNSET,
        max_retries: int | None = None,
    ) -> Flow[Response]:
        """Call an endpoint of the service. All take POST, and answer with an envelope."""
        try:
            return (
                yield from self._post(
                    path,
                    content=encode_json(body),
                    headers=headers,
                    resend=resend,
                    timeout=timeout,
                    max_retries=max_retries,
                )
            )
        except ServerError as error:
            if resend == "never" and error.response is not None:
                add_advice(error, outcome_advice(error.response))
            raise


def check_root(root: str | os.PathLike[str] | None) -> Path | None:
    """Return a directory as a path."""
    if root is None:
        return None
    try:
        return Path(root)
    except TypeError as error:
        raise InvalidInputError(f"upload_root must be a path, not {type(root).__name__}.") from error
