from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from simstudio import APIConnectionError, ConfigurationError, InvalidRequestError, Request, Response
from simstudio.resources.settings import KEY_PATTERN
from simstudio.transport.auth import Credentials
from simstudio.transport.logging import Logging, configure_from_environment
from simstudio.transport.message import Headers
from simstudio.transport.stack import compose
from tests.driving import KEY, Both, Clock, answer, client, play

DATA = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg=="


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The package's logger as it was."""
    package = logging.getLogger("simstudio")
    level, handlers = package.level, list(package.handlers)
    yield
    package.setLevel(level)
    package.handlers[:] = handlers


def logged(
    caplog: pytest.LogCaptureFixture,
    *answers: Any,
    request: Request | None = None,
    clock: Clock | None = None,
    **options: Any,
) -> list[logging.LogRecord]:
    caplog.set_level(logging.DEBUG, "simstudio.transport")
    logging_middleware = Logging(credentials=Credentials(KEY, pattern=KEY_PATTERN), clock=clock or Clock(), **options)
    play(
        compose([logging_middleware])(request or Request("POST", "https://sim.test/api/x?q=hush", attempt=2)), *answers
    )
    return caplog.records


def everything(records: list[logging.LogRecord]) -> str:
    return "\n".join(f"{record.getMessage()} {vars(record)}" for record in records)


def test_one_record_a_request_and_one_a_response(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()

    def slow(_: Request) -> Response:
        clock.advance(1.5)
        return answer(201, {}, headers={"X-Request-Id": "r1"})

    asked, answered = logged(caplog, slow, clock=clock)
    assert asked.getMessage() == "POST /api/x (attempt 2)"
    assert answered.getMessage() == "POST /api/x (attempt 2) answered 201 in 1.500 s"
    assert {record.name for record in (asked, answered)} == {"simstudio.transport"}
    assert {record.levelno for record in (asked, answered)} == {logging.DEBUG}


def test_records_carry_what_they_say_as_attributes(caplog: pytest.LogCaptureFixture) -> None:
    asked, answered = logged(caplog, answer(201, {}, headers={"X-Request-Id": "r1"}))
    names = ("method", "path", "status", "attempt", "elapsed", "request_id")
    assert [getattr(asked, name) for name in names] == ["POST", "/api/x", None, 2, None, None]
    assert [getattr(answered, name) for name in names] == ["POST", "/api/x", 201, 2, 0.0, "r1"]


def test_a_failure_is_a_record_too_and_comes_out(caplog: pytest.LogCaptureFixture) -> None:
    _, failed = logged(caplog, APIConnectionError("refused"))
    assert failed.getMessage() == "POST /api/x (attempt 2) failed after 0.000 s: APIConnectionError"
    assert (failed.status, failed.elapsed) == (None, 0.0)  # type: ignore[attr-defined]


def test_each_attempt_is_logged(caplog: pytest.LogCaptureFixture, no_waiting: list[float]) -> None:
    caplog.set_level(logging.DEBUG, "simstudio.transport")
    client(answer(503), answer(200, {"isDeployed": True})).workflows.status("wf")
    assert [(record.attempt, record.status) for record in caplog.records] == [(1, None), (1, 503), (2, None), (2, 200)]  # type: ignore[attr-defined]


def test_nothing_is_logged_above_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "simstudio.transport")
    client(answer(200, {"isDeployed": True})).workflows.status("wf")
    assert caplog.records == []


def test_the_query_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert "hush" not in everything(logged(caplog, answer(200)))


def test_headers_are_logged_by_allow_list(caplog: pytest.LogCaptureFixture) -> None:
    sent = Headers(
        {"X-API-Key": KEY, "Authorization": "Bearer hush", "X-Mine": "hush", "Content-Type": "application/json"}
    )
    came = answer(
        200, headers={"Set-Cookie": "session=hush", "Sim-Signature": "t=1,v1=hush", "Content-Type": "text/html"}
    )
    records = logged(caplog, came, request=Request("POST", "https://sim.test/api/x", sent))
    assert "hush" not in everything(records)
    assert KEY not in everything(records)
    assert records[0].headers["Content-Type"] == "application/json"  # type: ignore[attr-defined]
    assert records[1].headers["Content-Type"] == "text/html"  # type: ignore[attr-defined]


def test_bodies_are_not_logged_unless_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    request = Request("POST", "https://sim.test/api/x", content=b'{"mine": "hush"}')
    assert "hush" not in everything(logged(caplog, answer(200, "hush"), request=request))


def test_bodies_are_logged_when_asked_for_up_to_a_length(caplog: pytest.LogCaptureFixture) -> None:
    request = Request("POST", "https://sim.test/api/x", content=b'{"mine": 1}')
    asked, answered = logged(caplog, answer(200, "x" * 10_000), request=request, bodies=True)
    assert asked.getMessage().endswith(' {"mine": 1}')
    assert len(answered.getMessage()) < 4300
    assert answered.getMessage().endswith("…")


@pytest.mark.parametrize(
    "secret",
    [
        KEY,
        "sk-sim-test-another9",
        "sim_test1234567890abcdef",
        DATA,
        DATA.replace("/png", "\\/png"),
        DATA.upper(),
        "data:;base64,aGlkZGVu",
        "data:text/plain;charset=utf-8;base64,aGlkZGVu",
        "data:text/plain,hidden",
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:application/vnd.ms-excel;name=a.xls;base64,aGlkZGVu",
    ],
)
def test_keys_and_data_urls_are_taken_out_of_bodies(caplog: pytest.LogCaptureFixture, secret: str) -> None:
    body = f'{{"a": "{secret}", "b": ["{secret}"], "kept": 1}}'.encode()
    request = Request("POST", "https://sim.test/api/x", content=body)
    text = everything(logged(caplog, answer(content=body), request=request, bodies=True))
    assert '"kept": 1' in text
    assert secret not in text
    assert "aGlkZGVu" not in text
    assert "iVBORw" not in text


@pytest.mark.parametrize(
    "body",
    [
        '{"password": "hush", "kept": 1}',
        '{"clientSecret" : "hu\\"sh", "kept": 1}',
        '{"API_KEY": "hush", "kept": 1}',
        '{"url": "https://store.test/f?x=1&X-Amz-Signature=hush&y=2", "kept": 1}',
        '{"url": "https://store.test/f?sig=hush", "kept": 1}',
        '{"url": "https://store.test/f?key=hush&code=hush", "kept": 1}',
        '{"apiKeys": ["hush"], "secrets": {"DB": "hush"}, "kept": 1}',
        '{"headers": [{"key": "Authorization", "value": "hush"}], "kept": 1}',
        '{"connectionString": "hush", "passphrase": "hush", "kept": 1}',
        '{"kept": 1, "upload-token": "hush, and no end',
    ],
)
def test_texts_named_like_secrets_are_taken_out_of_bodies(caplog: pytest.LogCaptureFixture, body: str) -> None:
    text = logged(caplog, answer(content=body.encode()), bodies=True)[1].getMessage()
    assert '"kept": 1' in text.replace('":1', '": 1')
    assert "sh" not in text


def test_no_body_of_a_call_with_a_secret_argument_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made = client(
        answer(400, {"error": {"code": "BAD_REQUEST", "message": "hush is too short"}}),
        middleware=lambda stack: [*stack[:-1], Logging(bodies=True)],
    )
    with pytest.raises(InvalidRequestError):
        made.v2.secrets.set("NAME", workspace_id="ws", scope="workspace", value="hush")
    assert "hush" not in caplog.text
    assert "answered 400" in caplog.text


def test_a_key_that_the_server_echoes_in_a_shown_header_is_taken_out(caplog: pytest.LogCaptureFixture) -> None:
    came = answer(200, headers={"X-Request-Id": f"for-{KEY}", "Server": KEY})
    assert KEY not in everything(logged(caplog, came))


def test_a_body_that_is_no_text_is_logged_as_far_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    assert "\ufffd" in logged(caplog, answer(content=b"\xff\x00"), bodies=True)[1].getMessage()


async def test_an_execution_with_a_file_logs_none_of_it(both: Both, caplog: pytest.LogCaptureFixture) -> None:
    from simstudio import File

    caplog.set_level(logging.DEBUG)
    made = both.client(
        answer(200, {"success": True, "output": {"echo": f"data:text/plain;base64,c2VjcmV0 {KEY}"}}),
        middleware=lambda stack: [*stack[:-1], Logging(bodies=True, credentials=Credentials(KEY))],
    )
    await both(made.workflows.execute("wf", {"file": File(b"secret", name="a.txt"), "n": 1}))
    text = everything(caplog.records)
    assert "c2VjcmV0" not in text
    assert KEY not in text
    assert '"n":1' in text


class TestFromTheEnvironment:
    def root(self) -> tuple[Any, ...]:
        root = logging.getLogger()
        return root.level, tuple(root.handlers), logging.getLogger("httpx").level

    @pytest.mark.parametrize(
        ("name", "level"), [("debug", logging.DEBUG), ("INFO", logging.INFO), (" warning ", logging.WARNING)]
    )
    def test_sim_log_sets_the_packages_level_and_not_the_roots(
        self, monkeypatch: pytest.MonkeyPatch, name: str, level: int
    ) -> None:
        monkeypatch.setenv("SIM_LOG", name)
        before = self.root()
        configure_from_environment("SIM_LOG")
        assert logging.getLogger("simstudio").level == level
        assert logging.getLogger("simstudio.transport").getEffectiveLevel() == level
        assert self.root() == before

    def test_a_handler_is_added_only_where_there_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        package = logging.getLogger("simstudio")
        monkeypatch.setenv("SIM_LOG", "debug")
        monkeypatch.setattr(package, "propagate", False)
        for _ in range(2):
            configure_from_environment("SIM_LOG")
        assert len(package.handlers) == 1

    def test_unset_it_changes_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        package = logging.getLogger("simstudio")
        before = package.level, list(package.handlers)
        configure_from_environment("SIM_LOG")
        monkeypatch.setenv("SIM_LOG", "  ")
        configure_from_environment("SIM_LOG")
        assert (package.level, list(package.handlers)) == before

    @pytest.mark.parametrize("name", ["loud", "1x", "basic_format", "getLogger"])
    def test_what_is_no_level_is_refused(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        monkeypatch.setenv("SIM_LOG", name)
        with pytest.raises(ConfigurationError, match="names no log level"):
            client()
