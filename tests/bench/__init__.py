"""The comparison in the README: recorded typing, replayed against real servers, in real time.

A person's recorded editing of a real file goes to a server over LSP as VS Code sends it: after each edit a ``didChange``, a
``$/cancelRequest`` for the previous request if it is still unanswered, and a new request. The server's back end is a fake on
loopback: 250 ms to the first token, 15 ms for each further one, and at half of the places the completion is what the person
typed next. Afterwards, at twelve places, the characters of a completion are typed one by one.

To repeat the README's table, on a machine that has nothing else to do (two minutes a server)::

    pip install -e '.[test]'
    npm install --prefix .cache/bench tabby-agent@1.5.0     # needs Node
    python -m tests.bench fim-lsp naive tabby-agent

``naive`` is the floor: a call for every request, no cache, no wait (``naive.py``). llama.vim and minuet, which the README
lists too, run inside Neovim and have no server to start; their figures are from the same trace, back end and measures.

Columns: *calls* and *tokens* (generated) per edit; *visible* is the share of edits with ghost text, which an editor keeps
while typing matches it, and *right* begins with what was typed next; *answer* is the median time to an answer that needed a
call, *typed through* that of an answer while a completion is being typed; *aborted* calls, *connections* opened.

``--trace``, ``--start`` and ``--count`` choose another part of the traces in ``tests/quality/traces`` (CC BY 4.0, Joseph
Gentle and Vadim Dalecky, see ``tests/quality/recorded_typing.py``). ``python -m tests.quality.typing_eval`` replays ten parts
in virtual time, for fim-lsp alone. ``python -m tests.bench.cost`` computes what a day of such typing costs.
"""
