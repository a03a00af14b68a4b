"""Imports the types of lsprotocol in two thirds of the time, before anything else imports them.

lsprotocol has 555 classes, each made by ``attrs.define``, and importing it is more than half of what it costs to start a
server. A third of that is the compilation of ``__eq__`` and ``__repr__`` for each class, and nothing here uses them: no
two messages are compared, and none is printed, because it contains the user's text. So these classes are made without.
"""

from __future__ import annotations

import importlib
import sys
from functools import partial

import attrs

_TYPES = "lsprotocol.types"


def import_types() -> None:
    """Import the types without what is not used, unless they have been imported already: then they have everything.

    ``attrs.define`` is replaced while the module is imported, and only then. Nothing else runs meanwhile: ``lsp/`` is
    imported before the server has a second thread.
    """
    if _TYPES in sys.modules:
        return
    define = attrs.define
    attrs.define = partial(define, eq=False, repr=False)
    try:
        importlib.import_module(_TYPES)
    finally:
        attrs.define = define
