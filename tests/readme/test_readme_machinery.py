"""What executes the README fails when the README is wrong: on small Markdown files of its own."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from tests.readme.blocks import ReadmeError, blocks_of, parse, sections_of, unaccounted
from tests.readme.running import BlockError, Section, difference, environment
from tests.readme.shell import paste_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeAlias

    from tests.readme.blocks import Block

    Read: TypeAlias = Callable[[str], list[Block]]
    Run: TypeAlias = Callable[..., list[str]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The blocks of a text; ~~~ stands for the fences."""

    def read(text: str) -> list[Block]:
        file = tmp_path / "SAMPLE.md"
        file.write_text(textwrap.dedent(text).replace("~~~", "```"), encoding="utf-8")
        return blocks_of(file)

    return read


@pytest.fixture
def run(read: Read, tmp_path: Path) -> Run:
    """What the blocks of a text print, run as one section."""

    def run(text: str, patience: float = 60.0) -> list[str]:
        directory = tmp_path / "directory"
        directory.mkdir()
        with Section(directory, environment(SIM_BASE_URL="http://sim.test"), patience=patience) as section:
            return [section.run(block) for block in read(text)]

    return run


# --- finding blocks -------------------------------------------------------------------------------------------------


def test_a_block_is_known_by_language_code_line_and_section(read: Read):
    [block] = read("""\
        # Title
        ## Use
        ### Often
        ~~~python title="x"
        # no heading
        ## none either
        ~~~
        """)

    assert (block.language, block.kind, block.section, block.line) == ("python", "python", "Use", 5)
    assert block.code == "# no heading\n## none either\n"
    assert block.place == "SAMPLE.md:5"


def test_the_indentation_of_a_block_in_a_list_is_not_code(read: Read):
    [block] = read("""\
        * item:
          ~~~python
          if 1:
              print()
          ~~~
        """)

    assert block.code == "if 1:\n    print()\n"


def test_a_block_that_is_never_closed_is_an_error(read: Read):
    with pytest.raises(ReadmeError, match=r"SAMPLE.md:1: this block is never closed"):
        read("~~~python\nprint()\n")


def test_blocks_run_by_section(read: Read):
    blocks = read("""\
        ~~~bash
        first
        ~~~
        ## A
        ~~~python
        1
        ~~~
        ~~~json
        {}
        ~~~
        ## B
        ~~~bash
        second
        ~~~
        ~~~python
        def test_it(): ...
        ~~~
        """)

    assert {name: [block.kind for block in each] for name, each in sections_of(blocks).items()} == {
        "": ["bash"],
        "A": ["python"],
        "B": ["bash", "pytest"],
    }


def test_a_text_block_directly_after_another_is_what_that_one_prints(read: Read):
    [block] = read("""\
        ~~~python
        print(1)
        ~~~

        ~~~text
        1
        ~~~
        """)

    assert block.expected is not None
    assert block.expected.code == "1\n"


@pytest.mark.parametrize("between", ["It prints:", "## Next", "~~~json\n{}\n~~~", "~~~text\n1\n~~~"])
def test_a_text_block_that_follows_nothing_is_unaccounted_for(read: Read, between: str):
    blocks = read(f"~~~python\nprint(1)\n~~~\n{between}\n~~~text\n2\n~~~\n")

    assert [block.code for block in unaccounted(blocks)] == ["2\n"]


@pytest.mark.parametrize("language", ["", "sh", "console", "Python", "yaml"])
def test_a_block_in_another_language_is_unaccounted_for(read: Read, language: str):
    assert [block.code for block in unaccounted(read(f"~~~{language}\nx\n~~~\n"))] == ["x\n"]


def test_a_block_may_be_left_out_with_a_reason(read: Read):
    left_out, after = read("""\
        <!-- not executed: needs an account -->

        ~~~python
        1/0
        ~~~
        ~~~python
        1
        ~~~
        """)

    assert (left_out.kind, left_out.reason) == ("left out", "needs an account")
    assert after.kind == "python"
    assert unaccounted([left_out, after]) == []
    assert sections_of([left_out, after]) == {"": [after]}


@pytest.mark.parametrize("comment", ["<!-- not executed -->", "<!-- not executed: -->"])
def test_leaving_out_without_a_reason_is_an_error(read: Read, comment: str):
    with pytest.raises(ReadmeError, match="without a reason"):
        read(f"{comment}\n~~~python\n1\n~~~\n")


@pytest.mark.parametrize(
    "after", ["", "Some text.\n~~~python\n1\n~~~\n", "<!-- not executed: b -->\n~~~python\n1\n~~~\n"]
)
def test_leaving_out_what_does_not_directly_follow_is_an_error(read: Read, after: str):
    with pytest.raises(ReadmeError, match="directly before a block"):
        read(f"<!-- not executed: a -->\n{after}")


# --- running them ---------------------------------------------------------------------------------------------------


def test_python_blocks_share_a_namespace_and_the_given_environment(run: Run):
    assert run("""\
        ~~~python
        import os
        address = os.environ["SIM_BASE_URL"]
        ~~~
        ~~~python
        print(address, __name__)
        ~~~
        """) == ["", "http://sim.test __main__\n"]


def test_blocks_of_all_kinds_share_a_directory(run: Run):
    run("""\
        ~~~python
        open("one", "w").close()
        ~~~
        ~~~bash
        test -e one && touch two
        ~~~
        ~~~python
        import pathlib
        def test_two():
            assert pathlib.Path("two").exists()
        ~~~
        """)


def test_a_failing_python_block_fails_and_names_its_line(run: Run):
    with pytest.raises(BlockError, match=r'(?s)SAMPLE.md:3 failed:.*SAMPLE.md", line 4, in <module>\n    1 / 0'):
        run("\n~~~python\nprint(1)\n1 / 0\n~~~\n")


def test_python_that_is_none_fails(run: Run):
    with pytest.raises(BlockError, match="SyntaxError"):
        run("~~~python\nprint(\n~~~\n")


def test_a_warning_fails(run: Run):
    with pytest.raises(BlockError, match="UserWarning: careful"):
        run("~~~python\nimport warnings\nwarnings.warn('careful')\n~~~\n")


def test_leaving_python_with_an_error_status_fails(run: Run):
    with pytest.raises(BlockError, match="SystemExit: no"):
        run("~~~python\nimport sys\nsys.exit('no')\n~~~\n")


def test_an_interpreter_that_dies_fails(run: Run):
    with pytest.raises(BlockError, match=r"SAMPLE.md:2 ended its interpreter"):
        run("~~~python\nimport os\nos._exit(0)\n~~~\n")


def test_a_block_that_hangs_fails(run: Run):
    with pytest.raises(BlockError, match=r"SAMPLE.md:2 ended its interpreter, or took longer than 0.01 s"):
        run("~~~python\nimport time\ntime.sleep(600)\n~~~\n", patience=0.01)


def test_what_the_blocks_leave_open_must_not_keep_the_interpreter_alive(read: Read, tmp_path: Path):
    [block] = read("~~~python\nimport threading\nthreading.Thread(target=threading.Event().wait).start()\n~~~\n")
    section = Section(tmp_path, environment())

    section.run(block)
    section.patience = 0.01

    with pytest.raises(BlockError, match=r"did not end within 0\.01 s"):
        section.__exit__(None, None, None)


def test_an_async_main_is_run(run: Run):
    assert run("~~~python\nasync def main():\n    print('ran')\n~~~\n") == ["ran\n"]


@pytest.mark.parametrize("call", ["asyncio.run(main())", "if __name__ == '__main__':\n    asyncio.run(main())"])
def test_an_async_main_that_the_block_runs_itself_is_run_once(run: Run, call: str):
    assert run(f"~~~python\nimport asyncio\nasync def main():\n    print('ran')\n{call}\n~~~\n") == ["ran\n"]


@pytest.mark.parametrize(
    ("expected", "same"),
    [
        ("a 17 b\nc\n", True),
        ("a 17 b\nc", True),
        ("a … b\nc\n", True),
        ("a …\n…\n", True),
        ("…\n", False),
        ("a 17 b\n", False),
        ("a 17 b\nc\n\n", False),
        ("a 17 b\nc\nd\n", False),
        ("a 1. b\nc\n", False),
        ("a 17 b …\nc\n", False),
        ("a 17 b \nc\n", False),
    ],
)
def test_what_is_printed_is_compared_line_by_line(expected: str, same: bool):
    assert (difference(expected, "a 17 b\nc\n") is None) is same


@pytest.mark.parametrize(("language", "code"), [("python", "print('yes')"), ("bash", "echo yes")])
def test_a_block_that_prints_what_follows_passes(run: Run, language: str, code: str):
    run(f"~~~{language}\n{code}\n~~~\n~~~text\nyes\n~~~\n")


@pytest.mark.parametrize(("language", "code"), [("python", "print('yes')"), ("bash", "echo yes")])
def test_a_block_that_prints_something_else_fails(run: Run, language: str, code: str):
    with pytest.raises(BlockError, match=r"(?s)SAMPLE.md:2 does not print what SAMPLE.md:5 says:.*-no\n\+yes"):
        run(f"~~~{language}\n{code}\n~~~\n~~~text\nno\n~~~\n")


def test_what_a_program_prints_that_python_starts_belongs_to_its_block(run: Run):
    assert run("""\
        ~~~python
        print("before", flush=True)
        import subprocess
        _ = subprocess.run(["echo", "within"])
        ~~~
        ~~~python
        print("after")
        ~~~
        """) == ["before\nwithin\n", "after\n"]


@pytest.mark.parametrize("commands", ["false", "false\ntrue", "simstudio-is-not-called-this"])
def test_a_failing_command_fails_its_bash_block(run: Run, commands: str):
    with pytest.raises(BlockError, match=r"SAMPLE.md:2 ended with"):
        run(f"~~~bash\n{commands}\n~~~\n")


def test_bash_finds_the_programs_of_this_environment_first(run: Run):
    assert run("~~~bash\npython -c 'import simstudio; print(simstudio.__name__)'\n~~~\n") == ["simstudio\n"]


def test_a_failing_test_fails_its_block(run: Run):
    with pytest.raises(BlockError, match=r"(?s)SAMPLE.md:2 ended with 1:.*1 failed"):
        run("~~~python\ndef test_it():\n    assert 1 == 2\n~~~\n")


def test_the_fixtures_of_the_package_are_there_for_tests(run: Run):
    [printed] = run("~~~python\ndef test_it(sim_client):\n    assert sim_client.workflows.validate('hello')\n~~~\n")

    assert printed.startswith(". ")


@pytest.mark.parametrize(("language", "code"), [("json", '{"a": 1}'), ("toml", "a = 1")])
def test_data_is_parsed(read: Read, language: str, code: str):
    [block] = read(f"~~~{language}\n{code}\n~~~\n")

    assert parse(block) == {"a": 1}


@pytest.mark.parametrize(("language", "code"), [("json", "{'a': 1}"), ("json", "{}\n{}"), ("toml", "a = b")])
def test_data_that_cannot_be_parsed_fails(read: Read, language: str, code: str):
    [block] = read(f"~~~{language}\n{code}\n~~~\n")

    with pytest.raises(ReadmeError, match=f"SAMPLE.md:2 is no {language}"):
        parse(block)


class TestPastingAPageIntoAShell:
    """What the README's blocks meet: one shell for the page."""

    def paste(self, read: Read, tmp_path: Path, text: str) -> None:
        paste_all(read(text), tmp_path, environment())

    def test_what_one_block_sets_the_next_ones_find(self, read: Read, tmp_path: Path):
        self.paste(
            read,
            tmp_path,
            """\
            ~~~bash
            export NAME=Ada
            ~~~
            ~~~python
            import os

            print(os.environ["NAME"])
            ~~~
            ~~~text
            Ada
            ~~~
            """,
        )

    @pytest.mark.parametrize(
        ("code", "problem"),
        [
            ("~~~python\n1 / 0\n~~~", "ZeroDivisionError"),
            ("~~~bash\nfalse\n~~~", "ended with 1"),
            ("~~~bash\necho 1\n~~~\n~~~text\n2\n~~~", "-2\n[+]1"),
            ("~~~python\ndef test_it():\n    assert 1 == 2\n~~~", "assert 1 == 2"),
        ],
    )
    def test_a_block_that_fails_or_prints_something_else_is_named(
        self, read: Read, tmp_path: Path, code: str, problem: str
    ):
        with pytest.raises(BlockError, match=rf"(?s):2 .*{problem}"):
            self.paste(read, tmp_path, f"{code}\n~~~bash\necho more\n~~~\n")
