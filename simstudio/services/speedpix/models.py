"""What SpeedPix's replies hold. Every field but the ids is optional; both spellings of their names are understood."""

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
    """The known states of a prediction. What a server says beyond them stays the text it is."""

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


def _named(*names: str, **more: Any) -> Any:
    return attrs.field(default=None, metadata={"wire": names}, **more)


@model
class Submission(Model):
    """The answer to a submit, beyond the id.

    Attributes:
        status: The state right after it.
        estimated_duration: Seconds that the service thinks it takes.
    """

    status: str | None = None
    estimated_duration: float | None = _named("estimatedDurationInSeconds", "estimated_duration_in_seconds")


@model
class Progress(Model):
    """How far a prediction is.

    Attributes:
        status: Absent while it runs, in some releases of the service.
        progress: From 0 to 1.
        eta: Seconds left, as the service thinks.
        message: The service's remark.
    """

    status: str | None = None
    progress: float | None = None
    eta: float | None = _named("etaRelative", "eta_relative")
    message: str | None = None


@model
class Outcome(Model):
    """What a prediction gave.

    Attributes:
        result: The workflow's output, as JSON data.
        info: The service's remark.
    """

    result: Any = None
    info: Any = None


@model
class PredictionResult(Model):
    """A prediction that succeeded, as an item of a batch has it.

    Attributes:
        status: The service's word for its state.
        output: The workflow's output as JSON data. Each file is its address; ``FileOutput(address)`` fetches it.
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
    """An uploaded file; ``access_url`` is what a workflow's input carries.

    Attributes:
        path: Where the storage keeps it.
        expire_time: When it is deleted, epoch seconds as text.
        upload_url: Where it was sent. A key: it shows in no repr.
        access_url: Where it can be fetched; empty where the service gave none. A key as well.
        object_key: Its name in the storage.
        name: What it was called.
        content_type: Its media type.
        size: Bytes.
    """

    path: str | None = None
    expire_time: str | None = _named("expireTime", "expire_time")
    upload_url: str | None = _named("uploadUrl", "upload_url")
    access_url: str = attrs.field(default="", metadata={"wire": ("accessUrl", "access_url")})
    object_key: str | None = _named("objectKey", "object_key")
    name: str | None = None
    content_type: str | None = None
    size: int | None = None

    @property
    def url(self) -> str:
        """Where it can be fetched: ``access_url``."""
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
    """The payload of a reply as an object.

    Raises:
        SpeedPixResponseError: It is none.
    """
    if isinstance(data, dict):
        return data
    raise invalid(response, f"its data is {'absent' if data is None else type(data).__name__}, and not {of}")


def task_id_of(data: Mapping[str, Any]) -> str | None:
    """The id that a payload holds, however it spells it; a number is one too."""
    for name in ("taskId", "task_id"):
        value = data.get(name)
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None
