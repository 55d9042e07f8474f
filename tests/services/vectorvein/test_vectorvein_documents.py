"""The examples of VectorVein's document, only their import lines changed, against the local server.

They are one program in four pieces, as the document has it. ``https://vectorvein.com`` is led to the local server in
httpx's transports, so that everything above them is what a user has. On the async client the same program runs with an
``await`` before each call.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import io
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest

from simstudio import ConfigurationError
from simstudio.sandbox.services.vectorvein import VectorVeinSandbox, VectorVeinServer
from simstudio.services import vectorvein
from simstudio.services.vectorvein import AccessKey, AsyncVectorVeinClient, VectorVeinClient
from tests.modes import both_modes
from tests.services.vectorvein.helpers import KEY, WID, Clock

EXAMPLES = Path(__file__).parent / "examples"

NAMES = [
    "VectorVeinClient",
    "AsyncVectorVeinClient",
    "VApp",
    "AccessKey",
    "WorkflowInputField",
    "WorkflowOutput",
    "WorkflowRunResult",
    "AccessKeyListResponse",
    "VectorVeinAPIError",
    "APIKeyError",
    "WorkflowError",
    "AccessKeyError",
    "RequestError",
    "TimeoutError",
]
METHODS = [
    "run_workflow",
    "check_workflow_status",
    "get_access_keys",
    "create_access_keys",
    "list_access_keys",
    "delete_access_keys",
    "update_access_keys",
    "add_apps_to_access_keys",
    "remove_apps_from_access_keys",
    "generate_vapp_url",
]


@pytest.fixture
def sandbox() -> VectorVeinSandbox:
    """A server with what the document names."""
    sandbox = VectorVeinSandbox("YOUR_API_KEY")
    for key in ("ACCESS_KEY", "ACCESS_KEY_1", "ACCESS_KEY_2"):
        sandbox.add_access_key(key, "YOUR_APP_ID")

    @sandbox.workflow(WID)
    def describe(inputs: dict[str, Any]) -> dict[str, str]:
        return {"描述": f"{inputs['商品名称']}!"}

    return sandbox


@pytest.fixture(autouse=True)
def led_here(server: VectorVeinServer) -> Iterator[None]:
    """What is sent to VectorVein's host arrives here."""
    there = httpx.URL(server.base_url)

    def lead(request: httpx.Request) -> httpx.Request:
        assert request.url.host == "vectorvein.com"
        request.url = request.url.copy_with(scheme=there.scheme, host=there.host, port=there.port)
        request.headers["Host"] = there.netloc.decode()
        return request

    send, asend = httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request

    def handle(transport: Any, request: httpx.Request) -> httpx.Response:
        return send(transport, lead(request))

    async def ahandle(transport: Any, request: httpx.Request) -> httpx.Response:
        return await asend(transport, lead(request))

    with (
        mock.patch.object(httpx.HTTPTransport, "handle_request", handle),
        mock.patch.object(httpx.AsyncHTTPTransport, "handle_async_request", ahandle),
    ):
        yield


def play(mode: str, *names: str, **given: Any) -> tuple[str, dict[str, Any]]:
    """Run examples one after another as one program; gives what they printed, and their variables."""
    text = "".join((EXAMPLES / f"{name}.py").read_text(encoding="utf-8") for name in names)
    if mode == "async":
        text = text.replace("VectorVeinClient", "AsyncVectorVeinClient").replace("client.", "await client.")
    variables: dict[str, Any] = dict(given)
    printed = io.StringIO()
    with redirect_stdout(printed):
        code = compile(text, names[-1], "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        asyncio.run(_aplay(code, variables)) if mode == "async" else exec(code, variables)
    if mode == "sync" and "client" in variables:
        variables["client"].close()
    return printed.getvalue(), variables


async def _aplay(code: Any, variables: dict[str, Any]) -> None:
    steps = eval(code, variables)
    if inspect.isawaitable(steps):
        await steps
    if "client" in variables:
        await variables["client"].aclose()


def test_the_examples_are_those_of_the_document_and_differ_in_their_imports_only():
    for file in EXAMPLES.glob("*.py"):
        imports = re.findall(r"^.*import.*$", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert all(line.startswith("from simstudio.services.vectorvein import ") for line in imports)
    assert len(list(EXAMPLES.glob("*.py"))) == 4


@both_modes
def test_the_example_of_running_a_workflow(mode: str, clock: Clock):
    printed, names = play(mode, "01_client", "02_run_workflow")

    first, second = printed.splitlines()
    assert re.fullmatch(r"工作流运行ID: rid-\d+", first)
    assert re.fullmatch(
        r"工作流运行结果: WorkflowRunResult\(rid='rid-\d+', status=200, .*value='测试商品!'\)\]\)", second
    )
    assert names["rid"] != names["result"].rid


@both_modes
def test_the_example_of_access_keys(mode: str, server: VectorVeinServer):
    printed, names = play(mode, "01_client", "03_access_keys")

    made, looked_at, listed = printed.splitlines()
    assert re.fullmatch(r"创建的访问密钥: \[AccessKey\(access_key='ak-\d+', access_key_type='L', .*\)\]", made)
    assert re.fullmatch(r"访问密钥信息: \[AccessKey\(.*'ACCESS_KEY_1'.*AccessKey\(.*'ACCESS_KEY_2'.*\)\]", looked_at)
    assert re.fullmatch(r"访问密钥列表: AccessKeyListResponse\(access_keys=\[.*\], total=4, .*\)", listed)
    assert all(isinstance(key, AccessKey) for key in names["response"].access_keys)
    with server.client(base_url=None) as client:
        left = client.get_access_keys(get_type="all")
    assert {key.access_key: key.description for key in left if key.access_key == "ACCESS_KEY"} == {
        "ACCESS_KEY": "更新的描述"
    }
    assert len(left) == 2


@both_modes
def test_the_example_of_a_link(mode: str):
    client = VectorVeinClient(KEY) if mode == "sync" else AsyncVectorVeinClient(KEY)

    printed, _ = play(mode, "04_vapp_url", client=client)

    link = r"https://vectorvein\.com/public/v-app/YOUR_APP_ID\?token=[\w%/]+&key_id=YOUR_KEY_ID"
    assert re.fullmatch(rf"VApp访问链接: {link}\n", printed)


def test_the_example_of_a_link_says_that_the_documents_key_is_none(mode: str):
    with pytest.raises(ConfigurationError, match="16, 24 or 32"):
        play(mode, "01_client", "04_vapp_url")


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_the_document_is_exported(name: str):
    assert name in vectorvein.__all__
    assert isinstance(getattr(vectorvein, name), type)


@pytest.mark.parametrize("name", METHODS)
@both_modes
def test_every_method_of_the_document_is_there(name: str, mode: str):
    client = VectorVeinClient(KEY) if mode == "sync" else AsyncVectorVeinClient(KEY)

    assert callable(getattr(client, name))
