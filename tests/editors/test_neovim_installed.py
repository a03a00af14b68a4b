"""Neovim: the ways to install the plugin, and what of it needs no screen."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest

from tests.editors.cases import BEFORE, SUGGESTED
from tests.editors.neovim import PLUGIN, RUNTIMEPATH, SETUP, Neovim
from tests.editors.programs import EDITORS, ROOT, program
from tests.editors.sandbox import Sandbox

# How the plugin is installed, each followed by the same look at ghost text, keys, commands and help.
_BARE = "vim.lsp.config('fim_lsp', { root_markers = { '.git' } })\nvim.lsp.enable('fim_lsp')\n"
_PACK = """
vim.pack.add({ 'file://REPOSITORY' }, { confirm = false, load = function(plugin)
  vim.opt.runtimepath:append(plugin.path .. '/editors/neovim')
end })
require('fim_lsp').setup()
"""
_LAZY = """
vim.opt.runtimepath:prepend(vim.fn.isdirectory('LAZY') == 1 and 'LAZY' or 'SUBSTITUTE')
require('lazy').setup({ {
  dir = 'REPOSITORY',
  config = function(plugin)
    vim.opt.runtimepath:append(plugin.dir .. '/editors/neovim')
    require('fim_lsp').setup()
  end,
} }, {
  rocks = { enabled = false },
  performance = { rtp = { paths = vim.api.nvim_list_runtime_paths() } }, -- lazy.nvim takes them away
})
"""
# What lazy.nvim does with such a spec, where it is not installed: nothing loads by itself, then `config` is called.
_SUBSTITUTE = """
return { setup = function(specs)
  vim.go.loadplugins = false
  for _, plugin in ipairs(specs) do
    vim.opt.runtimepath:prepend(plugin.dir)
    plugin.config(plugin)
  end
end }
"""
_INSTALLED = {"runtimepath": RUNTIMEPATH + SETUP, "enable": RUNTIMEPATH + _BARE, "vim.pack": _PACK, "lazy.nvim": _LAZY}


@pytest.mark.parametrize("way", _INSTALLED)
async def test_installed_it_shows_ghost_text_and_has_help(sandbox: Sandbox, way: str) -> None:
    repository = _repository(sandbox) if way in {"vim.pack", "lazy.nvim"} else ROOT
    config = _INSTALLED[way].replace("REPOSITORY", str(repository))
    if way == "lazy.nvim":
        substitute = sandbox.folder / "lazy.nvim"
        config = config.replace("LAZY", str(EDITORS / "lazy.nvim")).replace("SUBSTITUTE", str(substitute))
        (substitute / "lua").mkdir(parents=True)
        (substitute / "lua" / "lazy.lua").write_text(_SUBSTITUTE)
    neovim = Neovim(sandbox, config)
    path = await neovim.open_with_suggestion()
    if way != "enable":  # keys are set by setup()
        neovim.terminal.keys("Tab")
        await neovim.save()
        await sandbox.file_is(path, f"{BEFORE}{SUGGESTED}\n".encode())
    neovim.terminal.keys("Escape")
    neovim.terminal.type(":help fim-lsp\n")
    await neovim.terminal.wait_for("the language server fim-lsp:")
    assert len(sandbox.wire.opened()) == 1, "help is not sent"
    neovim.terminal.type(":qa!\n")
    await neovim.terminal.ended()
    assert neovim.errors() == []


def _repository(sandbox: Sandbox) -> Path:
    """The project as a repository of its own, as a plugin manager clones it."""
    path = sandbox.folder / "fim-lsp"
    shutil.copytree(PLUGIN, path / "editors" / "neovim")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], [*identity, "commit", "-qm", "all"]):
        subprocess.run(["git", "-C", str(path), *command], check=True)
    return path


async def test_the_snippet_needs_no_plugin(sandbox: Sandbox) -> None:
    neovim = Neovim(sandbox, (PLUGIN / "init.lua").read_text())
    path = await neovim.open_with_suggestion()
    neovim.terminal.keys("Tab")
    await neovim.terminal.wait_for(SUGGESTED)
    await neovim.save_as(path, f"{BEFORE}{SUGGESTED}\n".encode())
    await neovim.quit()


# Runs place.lua on cases from a file of JSON, without a screen.
_PLACE = """
local place = dofile(arg[1])
local found = vim.tbl_map(function(case)
  return place.find(case.offer, case.asked, case.line, case.offer.row, case.column) or vim.NIL
end, vim.json.decode(io.read('*a')))
io.write(vim.json.encode(found))
"""
_LETTERS = "ab()é🎉"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    """A line was ``head old tail`` when asked about, ``old`` is to become ``text``; then ``typed`` was typed before ``old``."""

    head: str
    old: str
    tail: str
    text: str
    typed: str

    @property
    def line(self) -> bytes:
        return f"{self.head}{self.typed}{self.old}{self.tail}".encode()

    def request(self) -> dict[str, object]:
        start = len(self.head.encode())
        offer = {"text": self.text, "row": 3, "from": start, "to": start + len(self.old.encode())}
        asked = f"{self.head}{self.old}{self.tail}"
        return {"offer": offer, "asked": asked, "line": self.line.decode(), "column": start + len(self.typed.encode())}


def test_an_accepted_text_repeats_and_loses_nothing_wherever_it_is_typed_through(tmp_path: Path) -> None:
    random = Random(5)

    def some(most: int) -> str:
        return "".join(random.choices(_LETTERS, k=random.randint(0, most)))

    cases = []
    for _ in range(3000):
        text = some(6)
        typed = text[: random.randint(0, len(text))] if random.random() < 0.7 else some(4)
        cases.append(_Typed(head=some(4), old=some(3), tail=some(3), text=text, typed=typed))
    script = tmp_path / "place.lua"
    script.write_text(_PLACE)
    command = [program("nvim"), "-l", str(script), str(PLUGIN / "lua" / "fim_lsp" / "place.lua")]
    requests = json.dumps([case.request() for case in cases]).encode()
    answer = json.loads(subprocess.run(command, input=requests, check=True, capture_output=True).stdout)
    for case, found in zip(cases, answer, strict=True):
        if not case.text.startswith(case.typed):
            assert found is None, case
        else:
            line = case.line[: found["from"]] + case.text.encode() + case.line[found["to"] :]
            assert line.decode() == case.head + case.text + case.tail, case
            assert found["typed"] == case.typed


def test_the_tags_of_the_help_are_up_to_date(tmp_path: Path) -> None:
    shutil.copytree(PLUGIN / "doc", tmp_path / "doc")
    (tmp_path / "doc" / "tags").unlink()
    subprocess.run([program("nvim"), "--clean", "--headless", f"+helptags {tmp_path}/doc", "+qa"], check=True)
    assert (tmp_path / "doc" / "tags").read_bytes() == (PLUGIN / "doc" / "tags").read_bytes()
