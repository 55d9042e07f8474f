"""The tracer, the meter and the instruments of a :class:`~simstudio.telemetry.Telemetry`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from opentelemetry import metrics, trace

from simstudio._version import __version__

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram, Meter, MeterProvider
    from opentelemetry.trace import Tracer, TracerProvider

_SCOPE = "simstudio"


@attrs.frozen
class Instruments:
    """Tracer, meter and instruments, made when the first call needs them."""

    provider: MeterProvider | None
    tracer: Tracer
    meter: Meter
    duration: Histogram
    attempts: Counter
    tokens: Histogram
    cost: Counter

    @property
    def are_recorded(self) -> bool:
        """Whether metrics go anywhere: those of the API's own providers do not, before an SDK is configured."""
        provider = self.provider or metrics.get_meter_provider()
        return not type(provider).__module__.startswith(metrics.__name__)

    @classmethod
    def of(cls, tracer_provider: TracerProvider | None, meter_provider: MeterProvider | None) -> Instruments:
        """Make them; None is the global provider."""
        meter = metrics.get_meter(_SCOPE, __version__, meter_provider)
        return cls(
            meter_provider,
            trace.get_tracer(_SCOPE, __version__, tracer_provider),
            meter,
            meter.create_histogram("simstudio.client.duration", "s", "Duration of calls, with retries and streams."),
            meter.create_counter("simstudio.client.attempts", "{attempt}", "Attempts at calls."),
            meter.create_histogram("gen_ai.client.token.usage", "{token}", "Tokens of executions, by type."),
            meter.create_counter("simstudio.client.cost", "1", "Cost of executions; v2 states credits."),
        )
