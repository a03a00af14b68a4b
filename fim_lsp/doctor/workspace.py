"""Which files of the workspace can be used, which rules exclude others, and what would happen in one file."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fim_lsp.backends.backend import Backend
from fim_lsp.doctor.check import Check, counted, info, ok, warning
from fim_lsp.http.urls import is_local
from fim_lsp.schedule.scheduler import MAX_DOCUMENT_SIZE
from fim_lsp.settings.schema import Settings
from fim_lsp.workspace.file_policy import FilePolicy
from fim_lsp.workspace.language_families import SOURCE_SUFFIXES, language_of
from fim_lsp.workspace.source_files import Bounds
from fim_lsp.workspace.tree_walk import find

WALK_TIMEOUT: Final = 3.0
"""Seconds for counting files."""

_MAX_SOURCES: Final = 6  # ignore files that are named


class _AnySuffix(frozenset[str]):
    """All suffixes: excluded files of every kind are counted."""

    def __contains__(self, suffix: object) -> bool:
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """``sources`` files can be used; ``excluded`` counts files and whole folders by where the rule is. ``whole``: all seen."""

    sources: int
    excluded: tuple[tuple[str, int], ...]
    whole: bool


def count_files(roots: Sequence[Path], policy: FilePolicy, *, clock: Callable[[], float] = time.monotonic) -> Count:
    """Walk through the workspace for up to :data:`WALK_TIMEOUT` seconds. To be called in a thread."""
    deadline = clock() + WALK_TIMEOUT
    excluded: Counter[str] = Counter()

    def allowed(path: Path, is_folder: bool) -> bool:
        if policy.may_index(path, is_folder):
            return True
        rule = policy.index_exclusion(path)
        excluded[rule.source if rule else "links and names that can't be judged"] += 1
        return False

    found = find(roots, _AnySuffix(), allowed, Bounds(), keep_going=lambda: clock() < deadline)
    sources = sum(file.path.suffix.lower() in SOURCE_SUFFIXES for file in found)
    return Count(sources=sources, excluded=tuple(excluded.most_common()), whole=clock() < deadline)


def check_workspace(roots: Sequence[Path], count: Count) -> Check:
    """How many files can be used as context and learnt from."""
    if not roots:
        return info("workspace", "no folder is open, so only open documents are used")
    more = "" if count.whole else f"at least, in the first {WALK_TIMEOUT:.0f} s: "
    found = f"{', '.join(map(str, roots))}: {more}{counted(count.sources, 'source file')} can be used"
    if count.excluded:
        shown = [f"{number:,} by {source}" for source, number in count.excluded[:_MAX_SOURCES]]
        others = len(count.excluded) - len(shown)
        found += f"; files and folders excluded: {', '.join(shown)}{f' and {others} more places' if others > 0 else ''}"
    return ok("workspace", found)


def check_file(
    path: Path, language: str, settings: Settings, policy: FilePolicy, backends: Sequence[Backend]
) -> Iterator[Check]:
    """Whether ghost text comes in a file, and if not, which rule prevents it. ``language`` is the editor's id, or ``""``."""
    uri, language = path.as_uri(), language or language_of(path)
    if exclusion := policy.exclusion(uri, path):
        yield warning("file", f"no suggestions in {path}: it is excluded by {exclusion}", _remedy(exclusion.source))
        return
    if not settings.has_language(language):
        yield warning(
            "file",
            f"no suggestions in {path} unless you ask for one: the setting languages turns off {language}",
            f"remove {language} from `languages` where it is set: fim-lsp config tells where",
        )
        return
    if _size(path) > MAX_DOCUMENT_SIZE:
        yield warning(
            "file",
            f"no suggestions in {path}: it has more than {MAX_DOCUMENT_SIZE:,} characters",
            "split it into smaller files",
        )
        return
    if local := policy.local_only_rule(uri, path):
        able = [backend.name for backend in backends if is_local(backend.host)]
        writer = f"only {' and '.join(able)} can write them" if able else "no back end in use runs on this machine"
        make = info("file", "") if able else warning("file", "", 'add one: fallback = ["ngram"]')
        yield Check(
            name="file",
            state=make.state,
            message=f"suggestions in {path} stay on this machine by {local}: {writer}",
            remedy=make.remedy,
        )
    else:
        yield ok("file", f"suggestions come in {path} ({language})")
    if settings.trigger == "manual":
        yield info("file", 'they come only when you ask for one (trigger = "manual")')


def _size(path: Path) -> int:
    """In bytes; 0 for a document that has not been saved yet."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _remedy(source: str) -> str:
    if Path(source).is_absolute():
        return f"if it is not secret, change that line of {source}"
    return 'if it is not secret, re-include it in your own config.toml: exclude = ["!NAME"]'
