"""How well corrupted replies are recovered: ``python -m tests.quality.recovery_eval [--full] [--wrong N] [--write]``.

Prints what is shown for each kind of corruption, place and language. ``--full`` takes ten times the places and adds files
of the standard library; ``--files FILE …`` takes the places from other files, which nobody has tuned for; ``--seed N``
chooses other places; ``--wrong N`` prints the first N wrong ones of each corruption; ``--write`` writes the baseline that
the tests hold, from the usual places.
"""

from __future__ import annotations

import argparse
import json
import sys
import sysconfig
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from fim_lsp.suggest.postprocess import wants_lines
from fim_lsp.text.document import split_lines
from tests.quality.corruptions import CORRUPTIONS, UNDECIDABLE
from tests.quality.quiet import SCENARIOS, TWINS, silent, spoken
from tests.quality.recovery_judge import Judged, Verdict, judge
from tests.quality.recovery_places import LANGUAGES, Place, corpus, infilling, places

BASELINE = Path(__file__).parent / "baseline.json"
SEED = 20250101
COUNT, INFILLING = 3, 30  # places of each kind in each language, and HumanEval's: about 2,500 cases
_LIBRARY = (
    "json/decoder.py",
    "textwrap.py",
    "shlex.py",
    "email/message.py",
    "heapq.py",
    "csv.py",
    "sched.py",
    "bisect.py",
)

_SUFFIXES = {
    ".py": "python", ".js": "javascript", ".mjs": "javascript", ".ts": "typescript", ".rs": "rust", ".go": "go",
    ".c": "c", ".h": "c",
}  # fmt: skip

Figures = dict[str, dict[str, int]]
LINES_ASKED = "several lines are asked for where the hole has them"


def usual(seed: int = SEED) -> list[Place]:
    """The places of the baseline."""
    found = [hole for language in LANGUAGES for hole in places(language, corpus(language), COUNT, seed=seed)]
    return found + infilling(INFILLING)


def sample(seed: int = SEED) -> list[Place]:
    """Every third of them: what the tests have time for."""
    return usual(seed)[::3]


def from_files(paths: Sequence[Path], seed: int) -> list[Place]:
    """Places in some files, whose names tell the language; others are left out."""
    found: dict[str, dict[str, list[str]]] = {}
    for path in paths:
        if path.suffix in _SUFFIXES:
            lines = split_lines(path.read_text("utf-8").replace("\r\n", "\n"))
            found.setdefault(_SUFFIXES[path.suffix], {})[str(path)] = lines
    return [hole for language, files in found.items() for hole in places(language, files, 10 * COUNT, seed=seed)]


def full(seed: int = SEED) -> list[Place]:
    """Ten times as many, with files of the standard library."""
    library = Path(sysconfig.get_path("stdlib"))
    files = {name: split_lines((library / name).read_text("utf-8")) for name in _LIBRARY if (library / name).exists()}
    found = [hole for language in LANGUAGES for hole in places(language, corpus(language), 10 * COUNT, seed=seed)]
    return found + places("python", files, 10 * COUNT, seed=seed + 1) + infilling(1000)


def figures(found: Sequence[Judged], holes: Sequence[Place]) -> Figures:
    """Counts by corruption, and of the clean answers by kind of place and by language."""
    table: Figures = {}
    for one in found:
        rows = [one.corruption] if one.corruption in UNDECIDABLE else [one.corruption, "all"]
        if one.corruption == "clean":
            rows += [f"clean, {one.case.place.kind}", f"clean, {one.case.place.language}"]
        for name in rows:
            row = table.setdefault(name, {"cases": 0, **{verdict.value: 0 for verdict in Verdict}})
            row["cases"] += 1
            row[one.verdict] += 1
    several = [hole for hole in holes if "\n" in hole.middle and hole.kind != "span"]
    table[LINES_ASKED] = {"cases": len(several), "right": sum(wants_lines(hole.split, "auto") for hole in several)}
    table["quiet"] = {"cases": len(SCENARIOS), "right": len(SCENARIOS) - len(not_quiet())}
    table["spoken"] = {"cases": len(TWINS), "right": len(TWINS) - len(not_shown())}
    return table


def figures_of(holes: Sequence[Place], seed: int = SEED) -> Figures:
    """The figures of all corruptions at these places."""
    return figures(list(judge(holes, {**CORRUPTIONS, **UNDECIDABLE}, seed=seed)), holes)


def not_quiet() -> list[str]:
    """The scenarios in which something is shown."""
    return [scenario.name for scenario in SCENARIOS if not silent(scenario)]


def not_shown() -> list[str]:
    """Their twins that aren't shown, or not wholly."""
    return [scenario.name for scenario in TWINS if not spoken(scenario)]


def worse(now: Figures, then: Figures) -> list[str]:
    """What fell: fewer right, or more wrong, than before."""
    return _compared(now, then, lambda new, old, name: new < old if name == "right" else new > old)


def better(now: Figures, then: Figures) -> list[str]:
    """What rose: more right, or fewer wrong, than before."""
    return _compared(now, then, lambda new, old, name: new > old if name == "right" else new < old)


def _compared(now: Figures, then: Figures, differs: Callable[[int, int, str], bool]) -> list[str]:
    return [
        f"{row}: {name} {then[row][name]} -> {now[row][name]} of {now[row]['cases']}"
        for row in then
        for name in ("right", "wrong")
        if name in then[row] and differs(now[row][name], then[row][name], name)
    ]


def table(found: Iterable[Judged], by: Callable[[Judged], str], title: str) -> str:
    """A Markdown table of the verdicts."""
    groups: dict[str, list[Judged]] = {}
    everything = list(found)
    for one in everything:
        groups.setdefault(by(one), []).append(one)
    lines = [f"| {title} | cases | right | part | silent | wrong |", "|---|---|---|---|---|---|"]
    for name, group in [*groups.items(), ("**all**", everything)]:
        shares = [100 * sum(one.verdict is verdict for one in group) / len(group) for verdict in Verdict]
        lines.append(f"| {name} | {len(group)} | " + " | ".join(f"{share:.0f} %" for share in shares) + " |")
    return "\n".join(lines)


def crossed(found: Sequence[Judged], by: Callable[[Judged], str]) -> str:
    """The share that is right, corruptions down, ``by`` across."""
    columns = list(dict.fromkeys(by(one) for one in found))
    lines = ["| right | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name in dict.fromkeys(one.corruption for one in found):
        cells = []
        for column in columns:
            group = [one for one in found if one.corruption == name and by(one) == column]
            right = sum(one.verdict is Verdict.RIGHT for one in group)
            cells.append(f"{100 * right / len(group):.0f} % ({len(group)})" if group else "–")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _by_language(found: Sequence[Judged]) -> list[str]:
    """Corruptions and kinds of places, for each language."""
    languages = dict.fromkeys(one.case.place.language for one in found)
    return [
        f"{language}\n\n" + crossed([one for one in found if one.case.place.language == language], _kind)
        for language in languages
    ]


def _kind(one: Judged) -> str:
    return one.case.place.kind


def described(one: Judged) -> str:
    """A case on a few lines, to look at."""
    place = one.case.place
    return (
        f"{one.corruption} · {place.language} · {place.kind} · {one.verdict} · {one.case.finished}\n"
        f"  at     {place.split.line_prefix!r} ‸ {place.split.suffix[:60]!r}\n  truth  {place.middle!r}\n"
        f"  reply  {one.case.reply[:400]!r}\n  shown  {one.shown!r}"
    )


def report(holes: Sequence[Place], wrong: int, seed: int = SEED) -> Figures:
    """Print everything about these places."""
    found = list(judge(holes, CORRUPTIONS, seed=seed))
    apart = list(judge(holes, UNDECIDABLE, seed=seed))
    now = figures([*found, *apart], holes)
    loops = [one for one in found if one.corruption == "loops"]
    asked, quiet, loud = now[LINES_ASKED], now["quiet"], now["spoken"]
    parts = [
        table(found, lambda one: one.corruption, "corruption"),
        table(apart, lambda one: one.corruption, "undecidable"),
        table([one for one in found if one.corruption == "clean"], _kind, "clean, by place"),
        crossed(found, _kind),
        crossed(found, lambda one: one.case.place.language),
        *_by_language(found),
        f"Loops with one repetition left: {sum(one.repeated for one in loops)} of {len(loops)}. "
        f"Several lines asked for where the hole has them: {asked['right']} of {asked['cases']}. "
        f"Quiet where nothing is right: {quiet['right']} of {quiet['cases']}, "
        f"and not where it looks alike: {loud['right']} of {loud['cases']}."
        + "".join(f"\n  not quiet: {name}" for name in not_quiet())
        + "".join(f"\n  not shown: {name}" for name in not_shown()),
    ]
    for name in dict.fromkeys(one.corruption for one in found):
        bad = [one for one in found if one.corruption == name and one.verdict is Verdict.WRONG]
        parts += map(described, bad[:wrong])
    sys.stdout.write("\n\n".join(parts) + "\n")
    return now


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--full", action="store_true")
    options.add_argument("--write", action="store_true")
    options.add_argument("--wrong", type=int, default=0, metavar="N")
    options.add_argument("--files", nargs="+", type=Path, default=[])
    options.add_argument("--seed", type=int, default=SEED)
    given = options.parse_args()
    if given.write and (given.full or given.files or given.seed != SEED):
        options.error("the baseline is made from the usual places")
    holes = from_files(given.files, given.seed) if given.files else (full if given.full else usual)(given.seed)
    now = report(holes, given.wrong, given.seed)
    if given.write:
        known = {"figures": now, "sample": figures_of(sample()), "not quiet": not_quiet(), "not shown": not_shown()}
        BASELINE.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
