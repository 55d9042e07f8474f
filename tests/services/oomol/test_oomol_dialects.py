"""The service's two SDKs differ in requests and replies. The client takes both kinds of replies, and learns from a
refusal which kind of request a server takes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from simstudio import InvalidInputError
from simstudio.services import oomol
from simstudio.services.oomol import ApiInvalidRequestError
from tests.services.oomol.helpers import Canned, Clock, form, logs, task


class Server:
    """Takes a task whose block id is in one field, and refuses every other."""

    def __init__(self, field: str, status: int = 400, refusal: str = "{} is required") -> None:
        self.field, self.refusal = field, (status, {"message": refusal.format(field)})
        self.sent: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> Any:
        content_type = request.headers.get("content-type", "")
        if content_type.startswith("multipart/"):
            texts, files = form(content_type, request.content)
            body = {**dict(texts), "files": [file.content for file in files]}
        else:
            body = httpx.Response(200, content=request.content).json()
        self.sent.append(body)
        return task("created") if self.field in body else self.refusal


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(("sent", "taken"), [("blockId", "manifest"), ("manifest", "blockId")])
def test_a_task_is_sent_again_under_the_name_that_the_server_asks_for_and_later_ones_at_once(
    sent: str, taken: str, status: int
):
    server = Server(taken, status)

    def script(client: Any) -> Any:
        first = yield client.tasks.create({sent: "a::b", "inputValues": {"x": 1}})
        again = yield client.with_options(timeout=5).tasks.create({sent: "a::b"})
        return first.id, again.id

    assert Canned([server]).run("sync", script) == ("t-1", "t-1")
    assert [list(body) for body in server.sent] == [[sent, "inputValues"], [taken, "inputValues"], [taken]]


def test_a_form_is_sent_again_with_its_files():
    server = Server("manifest")

    Canned([server]).run("sync", lambda client: client.tasks.create_with_files("a::b", {"x": 1}, [b"one", b"two"]))

    sent = [(name, body["files"]) for body in server.sent for name in ("blockId", "manifest") if name in body]
    assert sent == [("blockId", [b"one", b"two"]), ("manifest", [b"one", b"two"])]


@pytest.mark.parametrize(
    ("status", "message"), [(400, "inputValues[0] has no handle"), (404, "no manifest found"), (500, "manifest?")]
)
def test_any_other_refusal_is_final(status: int, message: str):
    server = Server("neither", status, message)

    with pytest.raises(oomol.ApiError, match=message.partition("[")[0]):
        Canned([server]).run("sync", lambda client: client.tasks.create({"blockId": "a::b"}))
    assert len(server.sent) == 1


def test_a_server_that_takes_neither_name_is_reported_with_its_first_refusal():
    replies = [(400, {"message": "the manifest of a::b is broken"}), (400, {"message": "blockId is required"})]
    server = Canned([*replies, *replies])

    def script(client: Any) -> Any:
        for _ in range(2):  # nothing was learnt
            with pytest.raises(ApiInvalidRequestError, match="the manifest of a::b is broken"):
                client.tasks.create({"blockId": "a::b"})
        return None

    server.run("sync", script)
    assert [b"blockId" in request.content for request in server.requests] == [True, False, True, False]


@pytest.mark.parametrize(
    "reply",
    [
        {"id": "i-1", "status": "running", "name": "audio-lab"},
        {"success": True, "task": {"id": "i-1", "status": "running", "name": "audio-lab"}},
    ],
)
def test_an_installation_is_found_in_an_envelope_and_without_one(reply: Any):
    server = Canned([reply])
    for call in ("install", "get_install_task"):
        found = server.run("sync", lambda client, call=call: getattr(client.packages, call)("i-1"))
        assert (found.id, found.status, found.name, found.done) == ("i-1", "running", "audio-lab", False)


def test_a_receipt_of_an_installation_with_its_id_alone_can_be_waited_for(clock: Clock):
    done = {"id": "i-7", "status": "success", "packagePath": "/p/audio-lab-1.0.0"}
    server = Canned([{"success": True, "taskId": "i-7"}, {"success": True, "task": done}])

    begun = server.run("sync", lambda client: client.packages.install("audio-lab", "1.0.0"))
    assert (begun.id, begun.status, begun.name, begun.version) == ("i-7", "pending", "audio-lab", "1.0.0")

    server = Canned(server.replies)
    ended = server.run("sync", lambda client: client.packages.install_and_wait("audio-lab"), clock=clock)
    assert ended.package_path == "/p/audio-lab-1.0.0"
    assert server.paths == ["POST /api/packages/install", "GET /api/packages/install/i-7"]


@pytest.mark.parametrize(
    ("package", "path", "version"),
    [
        ("ffmpeg", "/oomol/packages/ffmpeg-0.1.9/blocks/cut", "0.1.9"),
        ("ffmpeg", "/oomol/packages/ffmpeg/0.1.9/blocks/cut", "0.1.9"),
        ("ffmpeg", "C:\\oomol\\ffmpeg-0.1.9\\blocks\\cut", "0.1.9"),
        ("@oomol/ffmpeg", "/oomol/@oomol/ffmpeg-0.1.9/blocks/cut", "0.1.9"),
        ("ffmpeg", "/opt/node-18.0.0/oomol/ffmpeg-0.1.9/blocks/cut", "0.1.9"),
        ("ffmpeg", "/oomol/other-0.1.9/blocks/cut", "0.1.9"),
        ("ffmpeg", "/oomol/ffmpeg-0.1.9-beta.1/blocks/cut", "unknown"),
        ("ffmpeg", "/oomol/ffmpeg/blocks/cut-0.1.9", "unknown"),
        ("a(b", "/oomol/a(b-0.1.9/blocks/cut", "0.1.9"),
    ],
)
def test_the_version_of_a_block_is_in_a_directory_of_its_path(package: str, path: str, version: str):
    server = Canned([{"blocks": [{"package": package, "name": "cut", "path": path}]}])

    (block,) = server.run("sync", lambda client: client.blocks.list()).blocks
    assert (block.block_id, block.version) == (f"{package}::cut", version)


REQUESTS = [
    (("/v1/blocks",), {}),
    (("/v1/blocks", "GET"), {}),
    (("GET", "/v1/blocks"), {}),
    (("/v1/blocks",), {"method": "GET"}),
    ((), {"method": "GET", "path": "/v1/blocks"}),
]


@pytest.mark.parametrize(("arguments", "options"), REQUESTS)
def test_a_raw_request_takes_path_and_verb_in_either_order(arguments: Any, options: Any):
    server = Canned([{"blocks": []}])

    assert server.run("sync", lambda client: client.request(*arguments, **options)) == {"blocks": []}
    assert server.paths == ["GET /api/v1/blocks"]


@pytest.mark.parametrize("options", [{"json_data": {"a": 1}}, {"json": {"a": 1}}])
def test_a_raw_request_sends_json_under_either_name(options: Any):
    server = Canned([{}])

    server.run("sync", lambda client: client.request("/v1/tasks", "POST", **options))
    assert server.requests[0].content == b'{"a":1}'
    with pytest.raises(InvalidInputError, match="are the same"):
        server.run("sync", lambda client: client.request("/v1/tasks", "POST", {}, json={}))


def test_a_run_on_a_server_of_the_other_dialect_ends_with_its_result(clock: Clock):
    server = Canned([
        (400, {"message": "Missing required field: manifest"}),
        task("created"),
        task(),
        logs({"id": 1, "type": "BlockFinished", "event": {"result": {"a": 1}}}),
    ])  # fmt: skip

    ran = server.run("sync", lambda client: client.tasks.run({"blockId": "a::b"}), clock=clock)
    assert ran.result == {"a": 1}
