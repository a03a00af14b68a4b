"""When the reading of files is reported."""

from __future__ import annotations

from fim_lsp.ngram.index_progress import REPORT_AFTER, REPORT_INTERVAL, IndexProgress


class Work:
    """Progress with a clock of its own, and what it reports."""

    def __init__(self) -> None:
        self.now = 0.0
        self.reports: list[tuple[int, int, bool]] = []
        self.progress = IndexProgress(lambda: self.now)
        self.progress.report = lambda *report: self.reports.append(report)

    def read(self, files: int, *, seconds: float) -> None:
        for _ in range(files):
            self.progress.working()
            self.now += seconds / files
            self.progress.read()


def test_short_work_is_not_reported() -> None:
    work = Work()
    for _ in range(5):  # each job begins from scratch
        work.progress.found(10)
        work.read(10, seconds=REPORT_AFTER * 0.9)
        work.progress.finish()
    assert work.reports == []


def test_long_work_is_reported_after_a_second_from_time_to_time_and_at_its_end() -> None:
    work = Work()
    work.progress.found(100)
    work.read(100, seconds=REPORT_AFTER + 2.2 * REPORT_INTERVAL)
    work.progress.finish()
    *reports, last = work.reports
    assert len(reports) == 3
    assert [total for _, total, _ in reports] == [100] * 3
    assert sorted(read for read, _, _ in reports) == [read for read, _, _ in reports]
    assert last == (100, 100, True)


def test_a_long_search_is_reported_before_any_file_is_found() -> None:
    work = Work()
    for _ in range(30):
        work.progress.working()
        work.now += 0.05
    assert work.reports == [(0, 0, False)]
