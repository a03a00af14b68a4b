"""How each family of models wants a fill-in-the-middle prompt written: a table, for servers that don't do it themselves.

A row's forms are those of the paper or the server named beside it. Tests render each byte for byte.

**The user's own text** may hold a control token, say a file about language models. Servers read it as the token, and the
model as the end of the text before the cursor. So such a token is broken by a space after its first character
(``<|fim_prefix|>`` becomes ``< |fim_prefix|>``): the model reads almost the same, in ordinary tokens. It is only done to
what is sent; an answer is never changed, so a model that repeats the broken token shows it with its space.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from fim_lsp.prompt.prompt import UNTITLED, Prompt, prefix_with_context
from fim_lsp.text.unicode import encodable

REPOSITORY: Final = "project"
"""The repository's name in every prompt: the same for all, so that a prompt tells no more than it must."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One family. ``models`` is a pattern found in the lower-case names of its models.

    ``single`` has the fields ``{prefix}`` and ``{suffix}``. ``repository`` (``{repository}``) begins a prompt with text
    from elsewhere, ``other`` is each such piece (``{path}``, ``{text}``, or ``{lines}``, which is the text with a line
    end), ``own`` the document itself (``{path}`` too). A family without them gets the pieces before the prefix, each
    under its path. ``control`` are the tokens that its tokenizer takes for more than text; ``stop`` are strings that end
    an answer, the most telling first: many servers take four at the most.
    """

    name: str
    models: str
    single: str
    control: tuple[str, ...]
    stop: tuple[str, ...]
    repository: str = ""
    other: str = ""
    own: str = ""


_QWEN: Final = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>")
_STAR: Final = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<fim_pad>")
_DEEPSEEK: Final = ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>")
_BARS: Final = "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>"
_LINES: Final = "<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>"

TEMPLATES: Final = (
    Template(  # arXiv:2409.12186, figure 3 (file) and 4 (repository)
        name="qwen",
        models=r"(?<!code)qwen.*coder",
        single=_BARS,
        control=(*_QWEN, "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|cursor|>"),
        stop=("<|endoftext|>", "<|file_sep|>", "<|fim_pad|>", "<|im_end|>", "<|repo_name|>", *_QWEN[:3], "<|cursor|>"),
        repository="<|repo_name|>{repository}\n",
        other="<|file_sep|>{path}\n{lines}",
        own="<|file_sep|>{path}\n" + _BARS,
    ),
    Template(  # arXiv:2402.19173, section 5.1
        name="starcoder2",
        models=r"starcoder-?2",
        single=_LINES,
        control=(*_STAR, "<repo_name>", "<file_sep>", "<|endoftext|>"),
        stop=("<|endoftext|>", "<file_sep>", "<fim_prefix>", "<repo_name>", "<fim_suffix>", "<fim_middle>"),
        repository="<repo_name>{repository}",
        other="<file_sep>{path}\n{text}",
        own="<file_sep><fim_prefix>{path}\n{prefix}<fim_suffix>{suffix}<fim_middle>",
    ),
    Template(  # arXiv:2305.06161, section 5.1; Stable Code and CodeQwen1.5 by their model cards
        name="starcoder",
        models=r"starcoder|stable-?code|codeqwen",
        single=_LINES,
        control=(*_STAR, "<reponame>", "<filename>", "<gh_stars>", "<file_sep>", "<|endoftext|>"),
        stop=("<|endoftext|>", "<file_sep>", "<filename>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    ),
    Template(  # arXiv:2308.12950, section 2.3, and its code's infilling prompt; the spaces are part of it
        name="codellama",
        models=r"code-?llama",
        single="<PRE> {prefix} <SUF>{suffix} <MID>",
        control=("<PRE>", "<SUF>", "<MID>", "<EOT>", "<s>", "</s>"),
        stop=("<EOT>", "<PRE>", "<SUF>", "<MID>", "</s>"),
    ),
    Template(  # arXiv:2401.14196, section 3.1.2; U+FF5C and U+2581
        name="deepseek",
        models=r"deepseek-?coder",
        single="<｜fim▁begin｜>{prefix}<｜fim▁hole｜>{suffix}<｜fim▁end｜>",
        control=(*_DEEPSEEK, "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<|EOT|>"),
        stop=("<｜end▁of▁sentence｜>", *_DEEPSEEK, "<|EOT|>"),
    ),
    Template(  # mistral-common, encode_fim; the server's tokenizer begins with <s>
        name="codestral",
        models=r"codestral|mistral-code",
        single="[SUFFIX]{suffix}[PREFIX]{prefix}",
        control=("[PREFIX]", "[SUFFIX]", "[MIDDLE]", "<s>", "</s>", "[INST]", "[/INST]"),
        stop=("</s>", "[PREFIX]", "[SUFFIX]", "[MIDDLE]"),
    ),
    Template(  # arXiv:2406.11409, section 2.2
        name="codegemma",
        models=r"codegemma",
        single=_BARS,
        control=(*_QWEN[:3], "<|file_separator|>", "<end_of_turn>", "<start_of_turn>", "<eos>", "<bos>"),
        stop=("<|file_separator|>", "<eos>", "<end_of_turn>", *_QWEN[:3]),
    ),
    Template(  # IBM's model card of Granite 4.0
        name="granite",
        models=r"granite-?4",
        single=_BARS,
        control=(*_QWEN[:4], "<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>"),
        stop=("<|end_of_text|>", "<|fim_pad|>", *_QWEN[:3]),
    ),
    Template(  # arXiv:2405.04324, section 3.1
        name="granite-code",
        models=r"granite",
        single=_LINES,
        control=(*_STAR, "<|endoftext|>", "<|end_of_text|>"),
        stop=("<|endoftext|>", "<|end_of_text|>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    ),
    Template(  # arXiv:2506.03524, section 2.2: suffix first
        name="seed-coder",
        models=r"seed-?coder",
        single="<[fim-suffix]>{suffix}<[fim-prefix]>{prefix}<[fim-middle]>",
        control=("<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>", "<[end▁of▁sentence]>", "<[begin▁of▁sentence]>"),
        stop=("<[end▁of▁sentence]>", "<[fim-suffix]>", "<[fim-prefix]>", "<[fim-middle]>"),
    ),
    Template(  # Zed's edit_prediction crate, fim.rs; the tokens are those that llama.cpp finds in GLM-4.5
        name="glm",
        models=r"glm-?4",
        single="<|code_prefix|>{prefix}<|code_suffix|>{suffix}<|code_middle|>",
        control=("<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>", "<|endoftext|>", "<|user|>", "<|assistant|>"),
        stop=("<|endoftext|>", "<|user|>", "<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"),
    ),
)
"""The first whose pattern fits a model's name is its template."""

TEMPLATE_NAMES: Final = tuple(row.name for row in TEMPLATES)
CONTROL_TOKENS: Final = tuple(dict.fromkeys(token for row in TEMPLATES for token in row.control))
"""Every row's control tokens, for a model whose family is not known."""


def template_named(name: str) -> Template | None:
    """The row called ``name``."""
    return next((row for row in TEMPLATES if row.name == name), None)


def template_for(model: str) -> Template | None:
    """The row for a model's name, in whatever way a server writes it: with an owner, a path, a tag, a quantization."""
    return next((row for row in TEMPLATES if re.search(row.models, model.lower())), None)


def render(template: Template, prompt: Prompt) -> str:
    """The prompt as ``template``'s family wants it, the user's control tokens broken; UTF-8 can hold it."""
    prefix, suffix = (neutralize(text, template.control) for text in (prompt.prefix, prompt.suffix))
    path = neutralize(prompt.path or UNTITLED, template.control)
    if not prompt.context:
        return template.single.format(prefix=prefix, suffix=suffix)
    if not template.own:
        return template.single.format(prefix=neutralize(prefix_with_context(prompt), template.control), suffix=suffix)
    others = [
        template.other.format(path=neutralize(piece.path, template.control), text=text, lines=_whole_lines(text))
        for piece in prompt.context
        for text in (neutralize(piece.text, template.control),)
    ]
    own = template.own.format(path=path, prefix=prefix, suffix=suffix)
    return "".join([template.repository.format(repository=REPOSITORY), *others, own])


def neutralize(text: str, control: tuple[str, ...] = CONTROL_TOKENS) -> str:
    """``text`` with the control tokens in it broken, and in a form that UTF-8 can hold."""
    if not control:
        return encodable(text)
    return _pattern(control).sub(lambda found: f"{found[0][0]} {found[0][1:]}", encodable(text))


def has_control_token(text: str) -> bool:
    """Whether there is a control token of any family in ``text``."""
    return _pattern(CONTROL_TOKENS).search(text) is not None


def _pattern(control: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(control, key=len, reverse=True))))  # re remembers the last ones


def _whole_lines(text: str) -> str:
    return text if text.endswith("\n") or not text else f"{text}\n"
