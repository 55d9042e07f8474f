"""The options of every ``map`` method. Each is declared here and nowhere else: its type, default, check and flag.

A ``map`` method takes them as ``**options: Unpack[BatchOptions]``. :mod:`simstudio.batch.batching` puts them into the
signature that ``help()`` shows, and the command line makes its options of their flags.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import cache
from inspect import Parameter
from typing import Annotated, Any, Generic, Literal, cast, get_type_hints

import attrs

from simstudio.batch.execution import R
from simstudio.batch.failures import is_max_failures, parse_max_failures
from simstudio.batch.items import BatchItem, Examiner
from simstudio.batch.ledger.lock import check_path
from simstudio.batch.money import Credits, Dollars, check_budget, parse_money
from simstudio.batch.option import Flag, Option, is_path, make_choice, make_function_option, make_switch, must_be
from simstudio.batch.progress import Progress
from simstudio.batch.rows import Columns, RowMap, check_columns, key_of, parse_columns
from simstudio.transport.retry import Backoff

if sys.version_info >= (3, 11):
    from typing import TypedDict
else:
    from typing_extensions import TypedDict  # which cattrs needs on 3.10, whose own cannot be generic


MOST_EVER = 10_000
"""Most items that may run at a time."""
MOST_RETRIES = 100


def _is_concurrency(value: Any) -> bool:
    return value == "auto" or (type(value) is int and 1 <= value <= MOST_EVER)


class BatchOptions(TypedDict, Generic[R], total=False):
    """The options of a ``map`` method, whose items have results of the class ``R``."""

    concurrency: Annotated[
        int | Literal["auto"] | None,
        Option(
            check=must_be(f"'auto' or a whole number from 1 to {MOST_EVER:,}", _is_concurrency),
            flag=Flag(
                "--concurrency",
                "Number that run at a time; auto (the default) finds what the server takes, up to 200.",
                metavar="auto|N",
                parse=lambda text: int(text) if text.isdecimal() else text,
                is_kept=True,
            ),
        ),
    ]
    ordered: Annotated[
        bool,
        make_switch(
            default=True,
            flag=Flag(
                "--unordered", "Give results as they come, not in the order of the inputs.", value=False, is_kept=True
            ),
        ),
    ]
    on_result: Annotated[Callable[[BatchItem[R]], Any] | None, make_function_option()]
    ledger: Annotated[str | os.PathLike[str] | None, Option(check=lambda _, path: check_path(path))]
    executor: Annotated[Executor | None, Option()]
    progress: Annotated[
        bool | Callable[[Progress], None],
        Option(
            default=False, check=must_be("True, False or a function", lambda value: value is True or callable(value))
        ),
    ]
    stop_on_error: Annotated[
        bool,
        make_switch(default=False, flag=Flag("--stop-on-error", "End at the first item without a result.", value=True)),
    ]
    on_unknown: Annotated[
        Literal["report", "rerun"],
        make_choice(
            "report",
            "rerun",
            flag=Flag("--on-unknown", "Treatment of items that may have run in an earlier run."),
        ),
    ]
    on_failed: Annotated[
        Literal["keep", "rerun"],
        make_choice(
            "keep",
            "rerun",
            flag=Flag("--retry-failed", "Run items again that failed in an earlier run.", value="rerun"),
        ),
    ]
    on_bad_row: Annotated[
        Literal["report", "fail"],
        make_choice(
            "report",
            "fail",
            flag=Flag(
                "--bad-lines",
                "Treatment of a line or row that cannot be read: a failed item, or the end of the batch.",
                is_kept=True,
            ),
        ),
    ]
    max_failures: Annotated[
        int | float | None,
        Option(
            check=must_be("a whole number of items, or a share between 0 and 1 such as 0.05", is_max_failures),
            flag=Flag(
                "--max-failures",
                "End when more items have no result: a number, or a share such as 5% (looked at from 20 items on).",
                metavar="N|N%",
                parse=parse_max_failures,
            ),
        ),
    ]
    retries: Annotated[
        int,
        Option(
            0,
            must_be("a whole number from 0 to 100", lambda value: type(value) is int and 0 <= value <= MOST_RETRIES),
            Flag(
                "--retries",
                "Times to run a failed item again.",
                metavar="N",
                parse=lambda text: int(text) if text.isdecimal() else text,
                is_kept=True,
            ),
        ),
    ]
    dead_letters: Annotated[
        str | os.PathLike[str] | None,
        Option(
            check=must_be("the path of a file, such as failed.jsonl", is_path),
            flag=Flag(
                "--dead-letters",
                "Write the inputs that failed to this file, with their errors; it can be INPUTS of another batch.",
                metavar="FILE",
            ),
        ),
    ]
    budget: Annotated[
        Dollars | Credits | None,
        Option(
            check=check_budget,
            flag=Flag(
                "--budget",
                "End before this run costs more: '5 dollars' or '500 credits'. Each item costs one request more, "
                "for its price.",
                metavar="AMOUNT",
                parse=parse_money,
            ),
        ),
    ]
    dedup: Annotated[
        bool,
        make_switch(
            default=False,
            flag=Flag("--dedup", "Run equal inputs once; all of them get that outcome.", value=True, is_kept=True),
        ),
    ]
    columns: Annotated[
        Columns | None,
        Option(
            check=check_columns,
            flag=Flag(
                "--column",
                "A column that inputs are made of, and its field in the input. Again for more; others are left out.",
                metavar="NAME[=FIELD]",
                parse=parse_columns,
                is_repeated=True,
                is_kept=True,
            ),
        ),
    ]
    input: Annotated[Callable[[Any], Any] | None, make_function_option()]
    key: Annotated[
        str | Callable[[Any], object] | None,
        Option(
            check=must_be(
                "a function, or the name of a column", lambda value: callable(value) or isinstance(value, str)
            ),
            flag=Flag(
                "--key",
                "The field of the input, or column of the row, that identifies it in the ledger; without it, its place "
                "does.",
                metavar="FIELD",
                is_kept=True,
            ),
        ),
    ]
    shared: Annotated[
        str | None,
        Option(
            flag=Flag(
                "--shared",
                "Share the rate with other processes: redis://…, or a file on this machine. The ledger keeps no "
                "password.",
                metavar="WHERE",
                is_kept=True,
                is_secret=True,
            )
        ),
    ]
    claims: Annotated[str | None, Option()]
    out: Annotated[str | os.PathLike[str] | None, Option()]
    flatten: Annotated[
        bool,
        make_switch(
            default=False,
            flag=Flag("--flatten", "Columns output.a.b for nested outputs in --out.", value=True, is_kept=True),
        ),
    ]


@cache
def declared_options() -> Mapping[str, Option]:
    """The declaration of each option, in order."""
    hints = get_type_hints(BatchOptions, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items()}


def make_parameters(result: str) -> list[Parameter]:
    """The options as parameters of a function, for its signature.

    Args:
        result: Name of the class of the results.
    """
    from inspect import Parameter

    return [
        Parameter(name, Parameter.KEYWORD_ONLY, default=option.default, annotation=_annotation_of(name, result))
        for name, option in declared_options().items()
    ]


def _annotation_of(name: str, result: str) -> str:
    """The type of an option, as it is written."""
    written: Any = BatchOptions.__annotations__[name]
    annotated: Any = ast.parse(written.__forward_arg__, mode="eval").body
    return ast.unparse(annotated.slice.elts[0]).replace("[R]", f"[{result}]")


def complete(given: BatchOptions[Any]) -> BatchOptions[Any]:
    """Options that were given, checked, and the defaults of the others.

    Raises:
        InvalidInputError: An option cannot be used; the message names it.
        TypeError: There is no such option.
    """
    values: dict[str, Any] = {name: option.default for name, option in declared_options().items()}
    for name, value in given.items():
        if name not in values:
            raise TypeError(f"map() has no option {name!r}.")
        check = declared_options()[name].check
        if check is not None and value is not values[name]:
            check(name, value)
        values[name] = value
    return cast("BatchOptions[Any]", values)


@attrs.frozen
class Options:
    """Options of a batch: those that were given, and what the coordinator adds.

    Attributes:
        given: All options of :class:`BatchOptions`.
        max_retries: Number of times an item is sent again after a failure that permits it.
        max_refusals: Number of times an item is sent again after a refusal of the rate limit; one more ends the batch.
        window: Largest distance from the first unfinished item at which another may begin, in ordered batches.
        backoff: Pauses before an item is sent again.
        adapt: Replaces values of the service's own types in an input; None if it has none.
    """

    given: BatchOptions[Any] = attrs.field(
        factory=BatchOptions, converter=complete, repr=False
    )  # addresses have passwords
    max_retries: int = 2
    max_refusals: int = 50
    window: int = 1000
    backoff: Backoff = attrs.field(factory=Backoff)
    adapt: Callable[[Any], Any] | None = None

    @property
    def wanted(self) -> list[str] | None:
        """The columns of a table that are read; None for all, which a function may need to identify a row."""
        columns, key = self.given["columns"], self.given["key"]
        if columns is None or callable(key):
            return None
        return [*columns, *([key] if key is not None and key not in columns else [])]

    def examiner(self) -> Examiner:
        """The examiner of the inputs of one batch."""
        columns, function = self.given["columns"], self.given["input"]
        rows = None if columns is None and function is None else RowMap(columns, function)
        key = self.given["key"]
        strict = self.given["on_bad_row"] == "fail"
        identifies = self.given["ledger"] is not None or self.given["dedup"]
        function = key_of(key) if isinstance(key, str) else key
        return Examiner(function, rows, self.adapt, strict=strict, identifies=identifies)
