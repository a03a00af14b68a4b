"""How well secrets are masked: ``python -m tests.quality.secrets_eval`` prints shares and false alarms.

The made-up corpus: a secret is masked when no run of eight of its characters is left where it stood (the head that
names its vendor aside), and the reply is right when the masked text, cut into pieces at random, is restored to the
original. Ordinary source: the standard library, the installed packages, and what else of source lies in the system's
shared folders; everything found there counts as a false alarm, except the inside of real key blocks. Files are divided
into a half for tuning and a half held out by a checksum of their name; ``--list`` prints the alarms of the tuning half,
``--list-held-out`` those of the other.
"""

from __future__ import annotations

import random
import re
import site
import sys
import sysconfig
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fim_lsp.redaction.detect import find_secrets
from fim_lsp.redaction.mask import mask
from tests.quality.secrets_corpus import Case, cases

SEED = 20240607
KEY = b"a key for measuring"
_LEFT = 8
_HEAD = 20
_MOST_BYTES = 400_000
_KINDS = (
    "py",
    "js",
    "ts",
    "mjs",
    "c",
    "h",
    "cpp",
    "json",
    "yaml",
    "yml",
    "md",
    "toml",
    "rst",
    "sh",
    "java",
    "go",
    "rs",
    "cfg",
    "rb",
    "pl",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something found in ordinary source: its kind, the file, and the beginning of its line up to the value."""

    kind: str
    file: str
    before: str
    value: str


def masked(case: Case) -> bool:
    """Whether nothing of the secret is left."""
    sent = mask((case.text[: case.cursor], case.text[case.cursor :]), key=KEY).texts
    return all(_gone(piece, "".join(sent)) for piece in case.pieces)


def restored(case: Case, chance: random.Random) -> bool:
    """Whether a reply that repeats all that was sent comes back as the original, however it is cut."""
    hidden = mask((case.text[: case.cursor], case.text[case.cursor :]), key=KEY)
    whole, restorer, said, at = "".join(hidden.texts), hidden.restorer(), "", 0
    while at < len(whole):
        step = chance.choice((1, 2, 5, 40))
        said += restorer.feed(whole[at : at + step])
        at += step
    return said + restorer.flush() == case.text


def _gone(piece: str, sent: str) -> bool:
    """No run of eight characters is left, but of the first twenty; of a short secret no half, and never all of it."""
    if piece in sent:
        return len(piece) < _LEFT  # a block's last line of a few characters
    long = len(piece) > 2 * _HEAD
    runs = range(_HEAD if long else 0, len(piece) - _LEFT + 1)
    allowed = 0 if long else max(0, len(piece) - 2 * _LEFT)
    return sum(piece[i : i + _LEFT] in sent for i in runs) <= allowed


def source_files() -> Iterator[Path]:
    """Source on this machine: the library, the packages, the system's shared folders."""
    roots = [Path(sysconfig.get_paths()[name]) for name in ("stdlib", "purelib", "platlib")]
    roots += map(Path, site.getsitepackages())
    for prefix in (Path("/usr"), Path("/usr/local")):
        roots += [prefix / "lib", prefix / "share"]
    seen: set[Path] = set()
    for root in dict.fromkeys(roots):
        for path in sorted(root.rglob("*")) if root.is_dir() else ():
            if path.suffix[1:] in _KINDS and path not in seen and path.is_file() and not path.is_symlink():
                seen.add(path)
                yield path


def sample(files: Sequence[Path], most_lines: int, seed: int = SEED) -> Iterator[tuple[Path, str, int]]:
    """Files in random order with their text and number of lines, until there are ``most_lines``."""
    shuffled = list(files)
    random.Random(seed).shuffle(shuffled)
    total = 0
    contents = set()
    for path in shuffled:
        if total >= most_lines:
            return
        try:
            if path.stat().st_size > _MOST_BYTES:
                continue
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            continue
        if hash(text) not in contents:
            contents.add(hash(text))
            lines = text.count("\n") + 1
            total += lines
            yield path, text, lines


def alarms(path: Path, text: str) -> list[Alarm]:
    """What is found in a file; key blocks that have both ends are what they say."""
    found = []
    for span in find_secrets(text):
        if span.kind == "private key block" and re.search(r"-BEGIN [A-Z ]*PRIVATE KEY", text):
            continue
        line = text[text.rfind("\n", 0, span.start) + 1 : span.start]
        found.append(
            Alarm(kind=span.kind, file=str(path), before=line.strip()[-60:], value=text[span.start : span.end][:60])
        )
    return found


def held_out(path: Path) -> bool:
    """Whether a file belongs to the half that nothing was tuned on."""
    return bool(zlib.crc32(path.name.encode()) & 1)


def _corpus() -> None:
    chance = random.Random(SEED)
    by_kind: defaultdict[str, list[bool]] = defaultdict(list)
    misses: Counter[str] = Counter()
    right = 0
    corpus = cases()
    for case in corpus:
        good = masked(case)
        by_kind[case.kind].append(good)
        right += restored(case, chance)
        if not good:
            misses[f"{case.kind} / {case.place}"] += 1
            if "--misses" in sys.argv:
                _say(f"  MISS {case.kind} / {case.place} / cursor {case.cursor}: {case.text[:200]!r}")
    _say("| kind | cases | masked |\n|---|---|---|")
    for kind, goods in by_kind.items():
        _say(f"| {kind} | {len(goods)} | {100 * sum(goods) / len(goods):.1f} % |")
    total = sum(map(sum, by_kind.values()))
    _say(f"| **all** | {len(corpus)} | **{100 * total / len(corpus):.2f} %** |")
    _say(f"\nrestored: {100 * right / len(corpus):.2f} %\nmissed: {dict(misses)}\n")


def _source() -> None:
    lines: Counter[tuple[bool, str]] = Counter()
    counts: Counter[tuple[bool, str]] = Counter()
    listed: list[tuple[bool, Alarm]] = []
    every = list(source_files())
    python = [path for path in every if path.suffix == ".py"]
    others = [path for path in every if path.suffix != ".py"]
    for files, most in ((python, 600_000), (others, 600_000)):
        for path, text, many in sample(files, most):
            group = (held_out(path), path.suffix)
            lines[group] += many
            found = alarms(path, text)
            counts[group] += len(found)
            listed += [(group[0], alarm) for alarm in found]
    for half, title in ((False, "tuning"), (True, "held out")):
        _say(f"\n{title}\n\n| files | lines | alarms | per 10,000 lines |\n|---|---|---|---|")
        groups = sorted({suffix for which, suffix in lines if which == half})
        for suffix in groups:
            many, alarmed = lines[half, suffix], counts[half, suffix]
            _say(f"| {suffix} | {many:,} | {alarmed} | {1e4 * alarmed / many:.2f} |")
        many = sum(lines[half, suffix] for suffix in groups)
        alarmed = sum(counts[half, suffix] for suffix in groups)
        _say(f"| **all** | {many:,} | {alarmed} | **{1e4 * alarmed / max(1, many):.2f}** |")
    for half, alarm in listed:
        if ("--list-held-out" if half else "--list") in sys.argv:
            _say(f"{alarm.kind} ¦ {alarm.file} ¦ {alarm.before} ¦ {alarm.value}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _corpus()
    if "--corpus" not in sys.argv:
        _source()
