"""glibc itself says where it has put large blocks."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

# In a process of its own, since the limit is the process's. The first block, once freed, raises glibc's own limit.
_COUNT = """
import ctypes, sys
from fim_lsp.cli.allocation import return_large_blocks

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
                "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]

mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Info
sys.modules["ctypes"] = ctypes if sys.argv[1] == "with" else None
return_large_blocks()
bytearray(1 << 20)
before = mallinfo().hblks
blocks = [bytearray(200_000) for _ in range(20)]
print(mallinfo().hblks - before)
"""


def counted(how: str, **settings: str) -> int:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))} | settings
    done = subprocess.run([sys.executable, "-c", _COUNT, how], capture_output=True, text=True, check=True, env=env)
    return int(done.stdout)


def can_tell() -> bool:
    return sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallinfo2")


pytestmark = pytest.mark.skipif(not can_tell(), reason="needs glibc 2.33")


def test_a_large_block_has_pages_of_its_own_after_others_were_freed() -> None:
    assert counted("with") == 20


def test_without_ctypes_the_server_starts_all_the_same() -> None:
    assert counted("without") == 0


def test_the_users_own_setting_applies() -> None:
    assert counted("with", MALLOC_MMAP_THRESHOLD_="1000000") == 0
