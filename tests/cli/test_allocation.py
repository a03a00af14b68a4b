"""glibc itself says where it has put large blocks."""

from __future__ import annotations

import platform
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
if sys.argv[1] == "with":
    return_large_blocks()
bytearray(1 << 20)
before = mallinfo().hblks
blocks = [bytearray(200_000) for _ in range(20)]
print(mallinfo().hblks - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc raises the limit")
@pytest.mark.parametrize(("how", "own_pages"), [("with", 20), ("without", 0)])
def test_a_large_block_has_pages_of_its_own_after_others_were_freed(how: str, own_pages: int) -> None:
    counted = subprocess.run([sys.executable, "-c", _COUNT, how], capture_output=True, text=True, check=True)
    assert int(counted.stdout) == own_pages
