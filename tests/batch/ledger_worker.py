"""Processes of the tests of the ledger: ``python ledger_worker.py write|hold|fork PATH``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from ledgers import ended, given, intend, opened

from simstudio import LedgerError
from simstudio.batch.export import export
from simstudio.batch.ledger import Ledger


def say(*words: object) -> None:
    print(*words, flush=True)


def write(path: Path) -> None:
    """Go through items for ever, saying what is written once it is."""
    with opened(path, mode="async") as ledger:
        index = ledger.counts().total
        while True:
            batch = [given(index + more) for more in range(5)]
            intend(ledger, *batch, run_id="r1")
            say("intended", *[each.key for each in batch])
            ledger.forget([batch[4].key])
            say("forgot", batch[4].key)
            for each in batch[:4]:
                ledger.mark_submitted(each.key, f"t{each.key}", None)
                say("submitted", each.key)
                ledger.finish(ended(each, output={"text": each.key * 500}))
                say("done", each.key)
            index += 4


def hold(path: Path) -> None:
    """Be a ledger's coordinator until the end of standard input."""
    with opened(path) as ledger:
        intend(ledger, given(0))
        say("holding", os.getpid())
        sys.stdin.read()


def fork(path: Path) -> None:
    """Let children do with the ledger what they may not."""
    ledger = opened(path)
    intend(ledger, given(0))
    for act in (refused, closing, dropping):
        child = os.fork()
        if child == 0:
            code = act(ledger)
            del ledger
            sys.exit(code)  # with all that the interpreter does at its end
        _, end = os.waitpid(child, 0)
        say(act.__name__, os.waitstatus_to_exitcode(end))
    ledger.finish(ended(given(0)))
    intend(ledger, given(1))
    say("counts", ledger.counts().done, ledger.counts().sending)
    say("exported", export(ledger, path.with_name("out.jsonl")))
    sys.stdin.read()
    ledger.close()


def refused(ledger: Ledger) -> int:
    acts = (
        ledger.counts,
        lambda: ledger.find(given(0)),
        lambda: intend(ledger, given(5)),
        lambda: ledger.finish(ended(given(0))),
        lambda: next(ledger.entries()),
        lambda: opened(Path(ledger.path)),
    )
    for act in acts:
        try:
            act()
        except LedgerError as error:
            if "forked child cannot use it" not in str(error) and "in use by" not in str(error):
                raise
        else:
            return 1
    return 0


def closing(ledger: Ledger) -> int:
    ledger.close()
    return 0


def dropping(ledger: Ledger) -> int:
    return 0


if __name__ == "__main__":
    {"write": write, "hold": hold, "fork": fork}[sys.argv[1]](Path(sys.argv[2]))
