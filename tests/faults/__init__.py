"""A back end, a network and a clock that misbehave on purpose, and the real server that is driven through it all.

``python -m tests.faults`` prints what became of hundreds of requests during each fault; ``test_faults.py`` makes a few.
"""
