"""Models of SpeedPix's responses. All fields but ids are optional; names may be in camelCase or snake_case."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.core.model import Model, model
from simstudio.services.speedpix.envelope import invalid
from simstudio.services.speedpix.urls import without_query

if TYPE_CHECKING:
    from simstudio.transport.message import Response


class PredictionStatus(str, Enum):
    """The known states of a prediction. A newer state is a plain text."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    def __str__(self) -> str:
        return self.value


SUCCEEDED = frozenset({"succeeded"})
FAILED = frozenset({"failed"})
CANCELED = frozenset({"canceled", "cancelled"})
FINAL = SUCCEEDED | FAILED | CANCELED


def _field_of(*names: str, **more: Any) -> Any:
    return attrs.field(default=None, metadata={"wire": names}, **more)


@model
class Submission(Model):
    """Response to a submission, without the id.

    Attributes:
        status: State of the new prediction.
        estimated_duration: Duration that the service estimates, in seconds.
    """

    status: str | None = None
    estimated_duration: float | None = _field_of("estimatedDurationInSeconds", "estimated_duration_in_seconds")


@model
class Progress(Model):
    """Progress of a prediction.

    Attributes:
        status: State; some releases of the service leave it out while the prediction runs.
        progress: From 0 to 1.
        eta: Seconds left, as the service estimates.
        message: Remark of the service.
    """

    status: str | None = None
    progress: float | None = None
    eta: float | None = _field_of("etaRelative", "eta_relative")
    message: str | None = None


@model
class Outcome(Model):
    """Result of a prediction.

    Attributes:
        result: Output of the workflow, as JSON data.
        info: Remark of the service.
    """

    result: Any = None
    info: Any = None


@model
class PredictionResult(Model):
    """Result of one item of a batch: a prediction that succeeded.

    Attributes:
        status: State, as the service calls it.
        output: Output of the workflow as JSON data. Files are URLs; ``FileOutput(url)`` fetches one.
    """

    id: str
    status: str | None = None
    output: Any = None

    @property
    def run_id(self) -> str | None:
        """The same as ``id``."""
        return self.id


@model
class File(Model):
    """An uploaded file. ``access_url`` is its value in the input of a workflow.

    Attributes:
        path: Path in the storage.
        expire_time: Time of its deletion: epoch seconds, as text.
        upload_url: URL to which it was sent. It is a secret, which no repr shows.
        access_url: URL from which it can be fetched; empty if the service gave none. A secret as well.
        object_key: Name in the storage.
        name: File name.
        content_type: Media type.
        size: Size in bytes.
    """

    path: str | None = None
    expire_time: str | None = _field_of("expireTime", "expire_time")
    upload_url: str | None = _field_of("uploadUrl", "upload_url")
    access_url: str = attrs.field(default="", metadata={"wire": ("accessUrl", "access_url")})
    object_key: str | None = _field_of("objectKey", "object_key")
    name: str | None = None
    content_type: str | None = None
    size: int | None = None

    @property
    def url(self) -> str:
        """The same as ``access_url``."""
        return self.access_url

    def __str__(self) -> str:
        return str(self.access_url)

    def __repr__(self) -> str:
        shown = {field.name: getattr(self, field.name) for field in attrs.fields(type(self))}
        for name in ("upload_url", "access_url"):
            if isinstance(shown[name], str):
                shown[name] = without_query(shown[name])
        return f"File({', '.join(f'{name}={value!r}' for name, value in shown.items() if value is not None)})"


def data_of(data: Any, response: Response, *, of: str) -> dict[str, Any]:
    """Return the payload of a response.

    Raises:
        SpeedPixResponseError: The payload is no object.
    """
    if isinstance(data, dict):
        return data
    raise invalid(response, f"its data is {'absent' if data is None else type(data).__name__}, and not {of}")


def task_id_of(data: Mapping[str, Any]) -> str | None:
    """The id in a payload, as text; None if there is none."""
    for name in ("taskId", "task_id"):
        value = data.get(name)
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None
