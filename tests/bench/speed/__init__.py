"""How fast each step of a completion is, and a start: benchmarks with pytest-benchmark, on whatever machine runs them.

::

    pip install -e '.[dev]'
    python -m tests.bench.speed                       # everything: five minutes on a machine that has nothing else to do
    python -m tests.bench.speed -k bench_did_change   # options are those of pytest and pytest-benchmark
    python -m tests.bench.speed --benchmark-autosave --benchmark-compare   # before and after a change
    python -m tests.bench.speed.instructions          # a start by callgrind, the same on every run; needs valgrind

Not to be confused with ``python -m tests.bench``, which replays recorded typing and asks how useful the answers are. None
of this is collected by ``pytest`` alone, and nothing is asserted about times: what must not grow with a document is counted
in steps by ``tests/text/test_keystroke_cost.py`` and ``tests/test_linear.py``, and what a start imports is bounded by
``tests/cli/test_start.py``.

How to read the tables: one for each group. ``Median`` is what to compare, ``Min`` if the machine was busy; ``OPS`` is the
reciprocal. In the groups of a keystroke the names end in the number of lines: a row that grows with it is a finding, except
``open``, which reads everything. A person types up to 20 keys a second, so 1 ms a key is 2 % of a processor. ``memory``
and ``initialized`` are kept with ``--benchmark-json`` and printed at the end.
"""
