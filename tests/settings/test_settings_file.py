"""A file of settings that is damaged, half written, missing or slow: its restrictions remain in force."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fim_lsp.settings.merge import fail_closed, merge_layers
from fim_lsp.settings.schema import Settings
from fim_lsp.settings.settings_file import GRACE_PERIOD, MAX_PROJECT_BYTES, SettingsFile
from fim_lsp.workspace.safe_read import read_text
from tests.needs import link_to_endless_device, make_fifo
from tests.settings.helpers import (
    FILES,
    files,
    leaving,
    merge,
    read_file,
)

GOOD = 'exclude = ["*.py"]\nlocal_only = ["secret/"]\nmax_tokens = 9\n'


class Now:
    """A clock that is set by hand, in seconds, also the time stamp of what is written."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.writes = 0

    def __call__(self) -> float:
        return self.seconds

    def write(self, path: Path, text: str) -> None:
        """Write a file so that its stamp differs from every earlier one's."""
        path.write_text(text)
        self.writes += 1
        os.utime(path, ns=(self.writes, self.writes))  # long ago: it is not fresh


def opened(path: Path, now: Now, *, trusted: bool = True, required: bool = False) -> SettingsFile:
    file = SettingsFile(path, trusted=trusted, required=required, clock=now)
    file.refresh()
    return file


BROKEN = [
    "temperature = ",
    "exclude = [",
    '"',
    "a = 1\na = 2\n",
    "= 5",
    "\ud800"[:0] + "x" * 10,
    "[fim-lsp",
    "a.b = 1\na = 2",
]


@pytest.mark.parametrize("text", BROKEN)
def test_the_last_valid_layer_remains_in_force_while_a_file_is_broken(tmp_path: Path, text: str) -> None:
    now, path = Now(), tmp_path / "config.toml"
    now.write(path, GOOD)
    file = opened(path, now)
    now.write(path, GOOD + text)
    assert file.refresh()
    assert file.layer.values["exclude"] == ["*.py"]
    assert "its last valid settings remain in force until it is corrected" in file.problem
    now.seconds += 1e6
    assert not file.refresh()
    assert file.layer.values["exclude"] == ["*.py"]
    now.write(path, "max_tokens = 3")
    assert file.refresh()
    assert file.layer.values == {"max_tokens": 3}
    assert file.problem == ""


@pytest.mark.parametrize("text", BROKEN)
@pytest.mark.parametrize("trusted", [True, False])
def test_a_file_that_is_broken_at_the_start_lets_nothing_leave(tmp_path: Path, text: str, trusted: bool) -> None:
    now, path = Now(), tmp_path / "config.toml"
    now.write(path, GOOD + text)
    file = opened(path, now, trusted=trusted)
    assert merge_layers([file.layer]).failed_closed
    assert "until it is corrected, nothing leaves this machine" in file.problem
    now.write(path, "")  # an editor that empties the file before it writes what was mended
    file.refresh()
    assert merge_layers([file.layer]).failed_closed
    now.write(path, GOOD)
    file.refresh()
    assert not merge_layers([file.layer]).failed_closed


@pytest.mark.parametrize("how", ["", " \n", "# only a comment\n", GOOD[:19], None])
def test_an_emptied_truncated_or_removed_file_is_accepted_after_the_grace_period(
    tmp_path: Path, how: str | None
) -> None:
    now, path = Now(), tmp_path / "config.toml"
    now.write(path, GOOD)
    file = opened(path, now)
    if how is None:
        path.unlink()
    else:
        now.write(path, how)
    file.refresh()
    assert file.layer.values["local_only"] == ["secret/"]
    now.seconds += GRACE_PERIOD - 0.1
    assert not file.refresh()
    assert file.layer.values["local_only"] == ["secret/"]
    now.seconds += 0.2
    assert file.refresh()
    assert "local_only" not in file.layer.values
    assert bool(file.problem) == (not file.layer.values)
    assert not file.refresh()


def test_a_save_that_empties_the_file_first_changes_and_reports_nothing(tmp_path: Path) -> None:
    now, path = Now(), tmp_path / "config.toml"
    now.write(path, GOOD)
    file = opened(path, now)
    for text in ("", GOOD[:30], GOOD):
        now.write(path, text)
        file.refresh()
        assert file.layer.values["local_only"] == ["secret/"]
        assert file.problem == "" or "last valid" in file.problem
        now.seconds += 0.5
    assert (file.layer.values["max_tokens"], file.problem) == (9, "")


def test_a_removed_setting_applies_at_once(tmp_path: Path) -> None:
    now, path = Now(), tmp_path / "config.toml"
    now.write(path, GOOD)
    file = opened(path, now)
    now.write(path, GOOD.replace('local_only = ["secret/"]\n', ""))
    file.refresh()
    assert "local_only" not in file.layer.values


def test_a_missing_file_is_only_reported_if_it_was_named(tmp_path: Path) -> None:
    now = Now()
    assert not merge_layers([opened(tmp_path / "config.toml", now).layer]).failed_closed
    named = opened(tmp_path / "config.toml", now, required=True)
    assert merge_layers([named.layer]).failed_closed
    assert "does not exist" in named.problem
    (tmp_path / "link.toml").symlink_to(tmp_path / "unmounted" / "config.toml")
    assert merge_layers([opened(tmp_path / "link.toml", now).layer]).failed_closed


@pytest.mark.parametrize("text", ["", "\n", "   "])
def test_an_empty_file_at_the_start_is_accepted_unless_it_is_recent(tmp_path: Path, text: str) -> None:
    now, path = Now(), tmp_path / "config.toml"
    path.write_text(text)  # just now
    file = opened(path, now)
    assert merge_layers([file.layer]).failed_closed
    now.seconds += GRACE_PERIOD
    assert file.refresh()
    assert not merge_layers([file.layer]).failed_closed
    os.utime(path, (1, 1))
    assert not merge_layers([opened(path, now).layer]).failed_closed


def test_a_hanging_file_system_blocks_for_a_second_at_most(tmp_path: Path) -> None:
    now, path, answers = Now(), tmp_path / "config.toml", threading.Event()
    now.write(path, GOOD)

    def read(path: Path, max_bytes: int) -> str:
        answers.wait(60)
        return read_text(path, max_bytes=max_bytes)

    file = SettingsFile(path, trusted=True, clock=now, read=read)
    file.refresh()
    assert merge_layers([file.layer]).failed_closed
    assert "does not answer" in file.problem
    file.refresh()  # does not start another reader
    assert sum(thread.name == "read settings" for thread in threading.enumerate()) == 1
    answers.set()
    for thread in threading.enumerate():
        if thread.name == "read settings":
            thread.join()
    assert file.refresh()
    assert file.layer.values["max_tokens"] == 9


DEEP = [
    "a" + ".a" * 100_000 + " = 1", "[" + "a." * 100_000 + "a]", "x = {" + "a." * 90_000 + "a = 1}",
    '"a"' + ' . "a"' * 50_000 + " = 1", "a = 1\n" * 3 + "b" + " .b" * 60_000 + "=2", "'a'" + ".a" * 9 + "=1",
    '"""x""".' + "a." * 9 + "b = 1", 'k = """' + "\\" * 100_000, "k = '''" + "'" * 2 + "a" * 100_000, '"' * 200_000,
]  # fmt: skip


@pytest.mark.parametrize("text", DEEP, ids=lambda text: text[:20])
def test_a_key_of_many_parts_is_refused_before_it_is_parsed(tmp_path: Path, text: str) -> None:
    """``tomllib`` alone takes half a minute and gigabytes for the first."""
    path = tmp_path / ".fim-lsp.toml"
    path.write_text(text)
    file = SettingsFile(path, trusted=True)
    file.refresh()
    assert merge_layers([file.layer]).failed_closed
    assert len(file.problem) < len(str(path)) + 300


def test_dots_in_strings_and_comments_are_not_keys(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    dots = "a.b.c.d.e.f.g.h.i.j.k.l"
    path.write_text(
        f'# {dots}\nmodel = "{dots}" # {dots}\nstop = [\'{dots}\', """{dots}\n"{dots}""", \'\'\'{dots}\'\'\', "\\"{dots}"]\n'
    )
    file = SettingsFile(path, trusted=True)
    file.refresh()
    assert file.layer.values["model"] == dots
    assert file.problem == ""


def test_a_projects_file_may_have_a_few_kilobytes(tmp_path: Path) -> None:
    path = tmp_path / ".fim-lsp.toml"
    path.write_text("#" * MAX_PROJECT_BYTES + "\n")
    file = SettingsFile(path, trusted=False)
    file.refresh()
    assert "16 KiB" in file.problem
    file = SettingsFile(path, trusted=True)
    file.refresh()
    assert file.problem == ""


STATES = [
    GOOD, 'exclude = ["*.md"]\n', "max_tokens = 9\n", 'backend = "ngram"\nexclude = ["*.js"]\n', "", "exclude = [", None,
    GOOD[:25], 'excludes = ["**"]\n', "# nothing\n", 'local_only = "**"\n', "exclude = 5\n", "\x00",
]  # fmt: skip


INTACT = {
    GOOD,
    'exclude = ["*.md"]\n',
    "max_tokens = 9\n",
    'backend = "ngram"\nexclude = ["*.js"]\n',
    'local_only = "**"\n',
}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(st.tuples(st.sampled_from(STATES), st.floats(0, GRACE_PERIOD * 0.9)), max_size=12))
async def test_no_order_of_saves_and_damage_lets_more_leave_than_the_last_intact_save(
    tmp_path: Path, events: list[tuple[str | None, float]]
) -> None:
    """Sources × damage × order of events. No state lasts long enough to be meant, but the intact ones."""
    now, path = Now(), tmp_path / "config.toml"
    path.unlink(missing_ok=True)
    file = opened(path, now)
    intact = merge_layers([file.layer]).settings
    hosts, allowed = await leaving(intact), set(FILES) & files(intact)
    for text, seconds in events:
        if text is None and not path.exists():
            continue  # else it stays removed for longer than one event lasts
        if text is None:
            path.unlink()
        else:
            now.write(path, text)
        file.refresh()
        merged = merge_layers([file.layer])
        if text in INTACT:
            assert not merged.failed_closed
            hosts, allowed = await leaving(merged.settings), files(merged.settings)
        elif found := await leaving(merged.settings):
            assert found <= hosts
            assert files(merged.settings) <= allowed
        now.seconds += seconds


@pytest.mark.parametrize("begun", ['# new\napi_key = "k"\n', '# new\nbase_url = "http://llm.corp"\nmax_tokens = 9\n'])
def test_a_half_written_file_without_its_restrictions_lets_nothing_leave(tmp_path: Path, begun: str) -> None:
    now, path = Now(), tmp_path / "config.toml"
    now.write(path, 'base_url = "http://llm.corp"\napi_key = "k"\nexclude = ["*.py"]\n')
    file = opened(path, now)
    path.write_text(begun)  # just now
    assert file.refresh()
    assert merge_layers([file.layer]).failed_closed
    now.seconds += GRACE_PERIOD
    assert file.refresh()
    assert not merge_layers([file.layer]).failed_closed
    assert "exclude" not in file.layer.values


@pytest.mark.parametrize(
    "text", ['fim-lsp = "x"\n', "fim-lsp = 5\n", "fim-lsp = false\n", "[[fim-lsp]]\nmax_tokens = 9\n"]
)
def test_a_section_that_is_not_a_table_is_damage(tmp_path: Path, text: str) -> None:
    now, path = Now(), tmp_path / "config.toml"
    now.write(path, text)
    file = opened(path, now)
    assert merge_layers([file.layer]).failed_closed
    assert "not a table" in file.problem


def test_a_misspelled_name_next_to_the_section_is_damage(tmp_path: Path) -> None:
    now, path = Now(), tmp_path / "config.toml"
    now.write(path, 'excludes = ["*.py"]\n[fim-lsp]\nbackend = "codestral"\n')
    assert merge_layers([opened(path, now).layer]).failed_closed


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    now, path = Now(), tmp_path / "config.toml"
    now.write(path, "\ufeff" + GOOD)
    file = opened(path, now)
    assert (file.layer.values["max_tokens"], file.problem) == (9, "")


def test_config_files(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    assert read_file(file, trusted=True)[0].values == {}
    assert read_file(file, trusted=True)[1] == ()
    file.write_text('model = "m"\nstop = ["x"]\n')
    assert read_file(file, trusted=True)[0].values == {"model": "m", "stop": ["x"]}
    file.write_text('model = "m\n')
    layer, (problem,) = read_file(file, trusted=True)
    assert layer.values == {}
    assert str(file) in problem
    assert "line 1" in problem
    file.write_bytes(b"\xff")
    assert "UTF-8" in read_file(file, trusted=True)[1][0]
    assert "can't be read" in read_file(tmp_path, trusted=True)[1][0]


@pytest.mark.parametrize(
    "text",
    [
        "timeout = " + "1" * 5000, "timeout = " + "1" * 400, "suffix_share = " + "1" * 400,
        "stop = " + "[" * 3000 + "]" * 3000, "stop = " + "[" * 3000, "x = " + "{a=" * 3000 + "1" + "}" * 3000,
        "model = " + "1" * 2_000_000, "random_seed = 0x" + "f" * 9000,
    ],
)  # fmt: skip
def test_a_project_file_that_cannot_be_read_is_one_problem(tmp_path: Path, text: str) -> None:
    file = tmp_path / ".fim-lsp.toml"
    file.write_text(text)
    layer, problems = read_file(file, trusted=False)
    settings, more = merge([layer])
    assert settings in (Settings(), fail_closed(Settings()))
    (sentence,) = [*problems, *(problem.message for problem in more)]
    assert str(file) in sentence
    assert len(sentence) < len(str(file)) + 500


@pytest.mark.parametrize("kind", ["zero", "fifo", "loop", "large", "folder", "nul"])
def test_only_a_regular_file_of_some_size_is_read(tmp_path: Path, kind: str) -> None:
    file = tmp_path / ".fim-lsp.toml"
    match kind:
        case "zero":
            link_to_endless_device(file)
        case "fifo":
            make_fifo(file)
        case "loop":
            file.symlink_to(file)
        case "large":
            file.write_bytes(b"#" * MAX_PROJECT_BYTES + b"\n")
        case "folder":
            file.mkdir()
        case _:
            file = tmp_path / "a\0b"
    layer, (problem,) = read_file(file, trusted=False)
    assert layer.values == {}
    assert not layer.readable
    assert "can't be read" in problem


def test_a_file_through_a_link_is_read(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("max_tokens = 3")
    (tmp_path / "config.toml").symlink_to("kept")
    assert read_text(tmp_path / "config.toml") == "max_tokens = 3"
    assert read_file(tmp_path / "config.toml", trusted=True)[0].values == {"max_tokens": 3}


def test_a_file_that_may_not_be_read_says_where_to_look(tmp_path: Path) -> None:
    """Raised by hand: root may read everything."""

    def read(path: Path, max_bytes: int) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    (tmp_path / "config.toml").write_text(GOOD)
    file = SettingsFile(tmp_path / "config.toml", trusted=True, read=read)
    file.refresh()
    assert "Permission denied (see the mode of the file and its folder)" in file.problem
    assert merge_layers([file.layer]).failed_closed
