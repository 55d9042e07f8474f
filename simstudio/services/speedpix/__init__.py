"""SpeedPix (智作工坊), Alibaba Cloud's service for image workflows.

    from simstudio.services.speedpix import Client

    with Client() as client:                    # SPEEDPIX_APP_KEY, SPEEDPIX_APP_SECRET, SPEEDPIX_ENDPOINT
        output = client.run("workflow-123", {"prompt": "a cat", "image": "./input.jpg"})
        output["images"]["url"].save("result.png")

Methods such as ``client.async_run`` are awaited, and all methods of ``AsyncClient``. Texts in an input that name a
media file below the current directory are uploaded; see :mod:`simstudio.services.speedpix.paths`.
"""

from __future__ import annotations

from simstudio.services.speedpix.client import AsyncSpeedPixClient, SpeedPixClient
from simstudio.services.speedpix.default import async_run, run
from simstudio.services.speedpix.errors import (
    FileSaveError,
    SpeedPixAPIError,
    SpeedPixAuthenticationError,
    SpeedPixConfigurationError,
    SpeedPixConflictError,
    SpeedPixConnectionError,
    SpeedPixException,
    SpeedPixInvalidRequestError,
    SpeedPixLockedError,
    SpeedPixNotFoundError,
    SpeedPixPermissionDeniedError,
    SpeedPixRateLimitError,
    SpeedPixRefusedError,
    SpeedPixResponseError,
    SpeedPixServerError,
    SpeedPixStatusError,
    SpeedPixTimeoutError,
    SpeedPixUsageLimitError,
    UnsafeURLError,
    UnsupportedOperationError,
)
from simstudio.services.speedpix.models import File, PredictionResult, PredictionStatus
from simstudio.services.speedpix.outputs import FileOutput
from simstudio.services.speedpix.prediction import (
    Prediction,
    PredictionCanceledError,
    PredictionError,
    PredictionTimeoutError,
)
from simstudio.services.speedpix.resources.files import Files
from simstudio.services.speedpix.resources.predictions import Predictions

Client = SpeedPixClient
AsyncClient = AsyncSpeedPixClient
PredictResultStatusCode = PredictionStatus

__all__ = [
    "AsyncClient",
    "AsyncSpeedPixClient",
    "Client",
    "File",
    "FileOutput",
    "FileSaveError",
    "Files",
    "PredictResultStatusCode",
    "Prediction",
    "PredictionCanceledError",
    "PredictionError",
    "PredictionResult",
    "PredictionStatus",
    "PredictionTimeoutError",
    "Predictions",
    "SpeedPixAPIError",
    "SpeedPixAuthenticationError",
    "SpeedPixClient",
    "SpeedPixConfigurationError",
    "SpeedPixConflictError",
    "SpeedPixConnectionError",
    "SpeedPixException",
    "SpeedPixInvalidRequestError",
    "SpeedPixLockedError",
    "SpeedPixNotFoundError",
    "SpeedPixPermissionDeniedError",
    "SpeedPixRateLimitError",
    "SpeedPixRefusedError",
    "SpeedPixResponseError",
    "SpeedPixServerError",
    "SpeedPixStatusError",
    "SpeedPixTimeoutError",
    "SpeedPixUsageLimitError",
    "UnsafeURLError",
    "UnsupportedOperationError",
    "async_run",
    "run",
]
