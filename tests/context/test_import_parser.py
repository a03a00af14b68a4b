"""What import lines may mean, language by language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.context.import_parser import import_candidates

CASES = [
    ("python", "from a.b import c, d as e\n", "x/y.py", {"a/b", "a/b/c", "a/b/d"}),
    ("python, relative", "from . import near\n", "pkg/sub/y.py", {"/pkg/sub/near", "/pkg/sub"}),
    ("python, one up", "from ..other import thing\n", "pkg/sub/y.py", {"/pkg/other", "/pkg/other/thing"}),
    ("python, plain", "import a.b, c\n", "y.py", {"a/b", "c"}),
    ("javascript", "import { a } from './lib/a'\n", "src/y.js", {"/src/lib/a"}),
    ("javascript, up", "export * from '../a.js'\n", "src/y.js", {"/a.js"}),
    ("commonjs", "const a = require('./a')\n", "src/y.js", {"/src/a"}),
    ("typescript alias", "import a from '@/lib/a'\n", "src/y.ts", {"lib/a"}),
    ("rust", "use crate::list::{Span, Item};\n", "src/main.rs", {"list"}),
    ("rust, path", "    pub use crate::a::B;\n", "src/main.rs", {"a/B", "a"}),
    ("rust, module", "mod span;\n", "src/main.rs", {"/src/span"}),
    ("c", '#include "util/list.h"\n', "src/a.c", {"/src/util/list.h", "util/list.h"}),
    ("c, system", "#include <stdio.h>\n", "src/a.c", set()),
    ("go", 'import "example.org/shop/cart"\n', "main.go", {"example.org/shop/cart"}),
    ("go, list", '\tcart "example.org/shop/cart"\n', "main.go", {"example.org/shop/cart"}),
    ("java", "import org.shop.Cart;\n", "src/org/shop/Main.java", {"org/shop/Cart"}),
    ("c#", "using Shop.Cart;\n", "Main.cs", {"Shop/Cart"}),
    ("lua", 'local cart = require("shop.cart")\n', "init.lua", {"shop.cart", "shop/cart"}),
    ("ruby", "require_relative './cart'\n", "lib/shop.rb", {"/lib/cart"}),
    ("indented", " " * 320 + "from a import b\n", "y.py", set()),
    ("dart, at the line's end", '  export "src/a.dart"; // "\n', "lib/y.dart", {"src/a.dart"}),
    ("lua, inside a line", "  if x then cart = require 'cart' end\n", "init.lua", {"cart"}),
    ("code", "x = important(y)\n", "a.py", set()),
    ("out of the workspace", "from .... import secrets\n", "pkg/y.py", set()),
    ("out of the workspace, quoted", "import '../../../etc/passwd'\n", "src/y.js", set()),
    ("out of the workspace, hidden", "import 'a/../../../etc/x'\n", "src/y.js", set()),
]


@pytest.mark.parametrize(("line", "path", "want"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_imports(line: str, path: str, want: set[str]) -> None:
    assert set(import_candidates([line], path)) == want


@given(st.lists(st.text("import from.'\"/{}()x \n", max_size=400), max_size=20), st.text("ab./", max_size=20))
def test_no_line_means_anything_above_the_workspace(lines: list[str], path: str) -> None:
    for candidate in import_candidates(lines, path):
        assert ".." not in candidate.split("/")
