"""Where the sandbox differs from the recorded servers on purpose, and what of the recordings it does not play.

Run this file to print both tables.
"""

from __future__ import annotations

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

_FILES = "file inputs: uploads are not part of the sandbox yet"
_PAUSED = "human in the loop: paused runs are not part of the sandbox yet"
_CANNOT_START = "a workflow that cannot start: a Python function always can"
_TRIGGER = "a state only Trigger.dev puts a job in"
_OTHER_KEYS = "a second key pinned to the same workflow: the sandbox has one key"

OUT_OF_SCOPE: dict[Key, str] = {
    **{(V06, number): _PAUSED for number in (49, 94, 109, 111, 112, 114, 116, 117, 417)},
    **{
        (V06, number): _FILES
        for number in (120, 121, 122, 124, 125, 126, 129, 134, 135, 136, 137, 141, 142, 145, 146, 147)
    },
    **{(V04, number): _FILES for number in (170, 171, 173, 174, 175, 190, 191, 193, 194, 195)},
    **{(V04, number): _CANNOT_START for number in (36, 37, 90, 91, 115, 116, 144, 145)},
    **{(V04, number): _TRIGGER for number in (105, 106, 108, 109, 110, 111, 113, 165, 166, 168)},
    **{(V04, number): "Trigger.dev is not set up, or refuses" for number in (73, 114)},
    (V04, 161): "an agent with a response format: what streams is the workflow's own business",
}
"""Recordings of the covered routes that are not played."""

if __name__ == "__main__":
    for title, table in (("differs", DIFFERENCES), ("not played", OUT_OF_SCOPE)):
        for (name, number), reason in table.items():
            print(f"{title:10} {name} {number:03d}  {reason}")
    for behaviour, reason in BEYOND_THE_RECORDINGS.items():
        print(f"{'differs':10} {behaviour}: {reason}")
