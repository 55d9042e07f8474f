"""Stream a workflow's text to browsers, which never see the API key: a FastAPI app with one page.

When the browser goes away, the connection to Sim is closed at once. `pip install fastapi uvicorn`, then

    SIM_API_KEY=… SIM_WORKFLOW_ID=… python fastapi_sse_proxy.py    (or: uvicorn fastapi_sse_proxy:app)
    python fastapi_sse_proxy.py --sandbox

and open http://127.0.0.1:8000 (PORT=… for another port).
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from simstudio import AsyncSimStudioClient, SimStudioError
from simstudio.sandbox import Sandbox

WORKFLOW = os.environ.get("SIM_WORKFLOW_ID", "article")
OUTPUTS = ["writer.content"]  # blockName.path

# An EventSource connects again by itself when a stream ends, which would run the workflow again: hence the close().
PAGE = """<!doctype html>
<meta charset="utf-8"><title>Sim</title>
<form><input name="topic" value="rivers" required> <button>Write</button></form>
<pre style="white-space: pre-wrap"></pre>
<script>
  const form = document.querySelector("form"), text = document.querySelector("pre");
  let source;
  form.onsubmit = (event) => {
    event.preventDefault();
    source?.close();
    text.textContent = "";
    source = new EventSource("/stream?" + new URLSearchParams(new FormData(form)));
    source.onmessage = (message) => text.append(JSON.parse(message.data));
    source.addEventListener("done", () => source.close());
    source.addEventListener("failed", (message) => { source.close(); text.append("\\n" + JSON.parse(message.data)); });
    source.onerror = () => source.close();
  };
</script>
"""


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, AsyncSimStudioClient]]:
    """One client, and so one pool of connections, for the life of the app."""
    async with AsyncSimStudioClient() as client:
        yield {"client": client}


app = FastAPI(lifespan=lifespan)


@app.get("/", response_class=HTMLResponse)
async def page() -> str:
    return PAGE


@app.get("/stream")
async def stream(request: Request, topic: str) -> StreamingResponse:
    client: AsyncSimStudioClient = request.state.client

    async def events() -> AsyncIterator[str]:
        # Cancelled where it stands when the browser disconnects; the `async with` then closes the upstream.
        try:
            async with client.workflows.stream(WORKFLOW, {"topic": topic}, selected_outputs=OUTPUTS) as upstream:
                async for text in upstream.text():
                    yield server_sent_event(text)
                result = await upstream.result()
            yield server_sent_event("", "done") if result.success else server_sent_event("It failed.", "failed")
        except SimStudioError:
            logging.getLogger(__name__).exception("The workflow %s could not be streamed", WORKFLOW)
            yield server_sent_event("It failed.", "failed")  # what exactly is none of the browser's business

    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}  # no proxy in between may collect it
    return StreamingResponse(events(), media_type="text/event-stream", headers=headers)


def server_sent_event(data: str, name: str = "message") -> str:
    """One event; as JSON the data is one line, whatever line breaks are in it."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


sandbox = Sandbox()


@sandbox.workflow("article", block="writer")
def article(input: dict[str, Any]) -> Iterator[str]:
    yield from (f"On {input['topic']}:\n", "they ", "run ", "to ", "the ", "sea.")


if __name__ == "__main__":
    with ExitStack() as stack:
        if "--sandbox" in sys.argv:
            server = stack.enter_context(sandbox.serve())
            os.environ.update(SIM_API_KEY=sandbox.api_key, SIM_BASE_URL=server.base_url)
        uvicorn.run(app, port=int(os.environ.get("PORT", "8000")))
