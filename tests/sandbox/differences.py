"""Where the sandbox differs from the recorded servers on purpose, and what of the recordings it does not play.

Run this file to print both tables.
"""

from __future__ import annotations

from fnmatch import fnmatch

Key = tuple[str, int]
V06, V04 = "sim-v0.6.43", "sim-v0.4.22"

DIFFERENCES: dict[Key, str] = {
    (V06, 354): "a job whose server went away is `failed` and says why: the real one leaves it `processing` for ever, "
    "and the sandbox promises that no job is lost",
    (V04, 134): "the message is ours: the real one quotes JavaScript's parser",
}
"""Recordings that are answered differently. The parity test fails when one of them no longer differs."""

BEYOND_THE_RECORDINGS: dict[str, str] = {
    "ids": "a workflow's id is its registered name, so that a test can read it; other ids look like Sim's and are new",
    "limits": "the rate limits, the admission gate (500 in flight) and the execution timeout (300 s on the free plan) "
    "are off unless asked for: a test that runs fast must not be refused",
    "background jobs": "start at once in the same process, so a fast one may be `completed` at the first poll, and "
    "v0.4's without Trigger.dev work too (the real one answers 500)",
    "HTML pages": "an unknown path answers a page of one line, without Next.js's headers",
    "files": "file objects in the input reach the workflow as they came: nothing is uploaded or fetched",
    "thrown errors": "the text after the block's name is the Python exception's, without a line of JavaScript",
    "output": "is what the function returned, also when it is no object (a real block's output always is one)",
    "plain functions": "cannot be stopped from outside: a cancelled one goes on in its thread until it looks at "
    "context.cancelled, but its answer is already given",
    "v0.6 triggerType": "may be any text: which ones the real server refuses is not known",
    "documents": "is a generation of its own, of which there is no recording: it is what the documents promise",
}
"""Differences no recording shows."""

OUT_OF_SCOPE: dict[tuple[str, str], str] = {
    (V06, "*hitl*"): "human in the loop: paused runs are not part of the sandbox yet",
    (V06, "*paused*"): "human in the loop",
    (V06, "*async-resume*"): "human in the loop",
    (V06, "*files*"): "file inputs: uploads are not part of the sandbox yet",
    (V04, "*files*"): "file inputs",
    (V04, "*no-api-trigger*"): "a workflow that cannot start: a Python function always can",
    (V04, "*env-variable-missing*"): "a workflow that cannot start",
    (V04, "job-status-trigger-*"): "a state only Trigger.dev puts a job in",
    (V04, "*trigger-refuses*"): "Trigger.dev refuses: background runs of the sandbox need no such service",
    (V04, "*no-trigger-secret*"): "Trigger.dev is not set up",
    (V04, "*agent-response-format"): "an agent with a response format: what streams is the workflow's own business",
}
"""Recordings of the covered routes that are not played, by name."""


def reason_not_played(source: str, name: str) -> str | None:
    """Why a recording is not played; None when it is."""
    return next((why for (where, what), why in OUT_OF_SCOPE.items() if where == source and fnmatch(name, what)), None)


if __name__ == "__main__":
    for (where, which), why in (*DIFFERENCES.items(), *OUT_OF_SCOPE.items()):
        print(f"{'differs' if isinstance(which, int) else 'not played':10}  {where}  {which}: {why}")
    for behaviour, why in BEYOND_THE_RECORDINGS.items():
        print(f"{'differs':10}  {behaviour}: {why}")
