"""A program for SpeedPix's own package and for ours: ``python -m … MODULE sync|async``. It prints results as JSON.

Keys and endpoint come from the environment.
"""

from __future__ import annotations

import asyncio
import importlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.scripts import adrive, drive

NESTED = {"prompt": "一幅画", "n": 1.5, "on": True, "none": None, "list": [{"deep": "值"}]}


def program(api: Any, client: Any, call: Any, folder: Path) -> Any:
    """The results of all calls that the package has, by name; ``call`` gives the method of a name in the mode."""
    picture = folder / "in.png"
    picture.write_bytes(b"a picture")
    found: dict[str, Any] = {}
    found["output"] = yield call(client, "run")("echo", NESTED, polling_interval=0.02)
    found["version"] = yield call(client, "run")("echo", {}, version_id="v", polling_interval=0.02)
    found["all"] = yield call(client, "run")(
        "echo",
        {},
        alias_id="a",
        randomise_seeds=True,
        return_temp_files=False,
        resource_config_id="r",
        polling_interval=0.02,
    )
    try:
        yield call(client, "run")("fail", {"message": "it broke", "code": "NODE_1"}, polling_interval=0.02)
    except api.PredictionError as error:
        found["failed"] = [
            error.prediction.id,
            error.prediction.status,
            error.prediction.error,
            error.prediction.error_code,
        ]
    made = yield call(client.predictions, "create")("paint", {"prompt": "a cat"})
    found["made"] = [made.id, made.input]
    yield call(made, "wait")(polling_interval=0.02)
    found["waited"] = made.status
    again = yield call(client.predictions, "get")(prediction_id=made.id)
    found["again"] = again.status
    address = again.output["images"]["url"]
    found["content"] = (yield call(address, "read")()).decode()
    yield call(address, "save")(str(folder / "out.png"))
    found["saved"] = (folder / "out.png").read_bytes().decode()
    for name, file in (("path", picture), ("text", str(picture)), ("stream", io.BytesIO(b"a stream"))):
        options = {"filename": "stream.png"} if name == "stream" else {}
        uploaded = yield call(client.files, "create")(file, **options)
        found[name] = [uploaded.name, uploaded.content_type, uploaded.size, str(uploaded) == uploaded.access_url]
        fetched = yield call(client, "run")("size", {"image": uploaded.access_url}, polling_interval=0.02)
        found[f"{name} in a workflow"] = fetched
    found["of a path"] = yield call(client, "run")("size", {"image": picture}, polling_interval=0.02)
    with picture.open("rb") as file:
        found["of a file"] = yield call(client, "run")("size", {"image": file}, polling_interval=0.02)
    found["of a text"] = yield call(client, "run")("size", {"image": str(picture)}, polling_interval=0.02)
    encoded = yield call(client.predictions, "create")("echo", {"image": picture}, file_encoding_strategy="base64")
    found["base64"] = encoded.input
    found["raw"] = (yield call(client, "invoke")("/scc/any", json_data={"a": "值"})).json()["data"]
    found["post"] = (yield call(client, "post")("/scc/any", json={"a": 1}, headers={"x-a": "b"})).json()["data"]
    try:
        yield call(client, "run")("nothing", {})
    except Exception as error:  # the package raises a bare Exception
        found["refused"] = "workflow not found" in str(error)
    return found


def call_sync(owner: Any, name: str) -> Any:
    """A blocking method."""
    return getattr(owner, name)


def call_async(owner: Any, name: str) -> Any:
    """A method that is awaited."""
    return getattr(owner, f"async_{name}", None) or getattr(owner, name)


async def awaited(api: Any, folder: Path) -> Any:
    """The program with the methods that are awaited."""
    async with api.Client() as client:
        return await adrive(program(api, client, call_async, folder))


def main(module: str, mode: str, folder: str) -> None:
    """Run the program with the client of a module."""
    api = importlib.import_module(module)
    os.chdir(folder)  # files that texts name have to be below it
    if mode == "sync":
        with api.Client() as client:
            found = drive(program(api, client, call_sync, Path(folder)))
    else:
        found = asyncio.run(awaited(api, Path(folder)))
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
