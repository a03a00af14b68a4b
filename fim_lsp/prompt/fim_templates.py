"""How each family of models expects a fill-in-the-middle prompt, for servers that don't format it themselves.

Each row follows the paper or server named next to it; tests compare every byte.

The user's text may contain control tokens, for example in a file about language models. A server would treat them as such,
and to the model the text before the cursor would seem to end there. So a space is inserted after the token's first
character (``<|fim_prefix|>`` becomes ``< |fim_prefix|>``): the model reads almost the same, in ordinary tokens. Only what
is sent is changed; if a model repeats such a token in a reply, it is shown with the space.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fim_lsp.prompt.prompt import UNTITLED, Prompt, prefix_with_context
from fim_lsp.text.unicode import encodable

REPOSITORY: Final = "project"
"""The repository's name in every prompt: always the same, because a prompt should reveal no more than necessary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One family of models.

    ``model_pattern`` is searched for in the lower-case names of models. ``fim`` has the fields ``{prefix}`` and
    ``{suffix}``. With context, ``repository`` (``{repository}``) comes first, then ``other_file`` for each snippet
    (``{path}`` and ``{text}``, or ``{lines}``, which is the text with a final line end), then ``current_file`` for the
    document itself (``{path}`` too); a family without them gets the context before the prefix, under headings.
    ``control`` are the tokens that its tokenizer does not treat as text. ``stop`` are strings that end a reply, the most
    useful first: many servers accept only four.
    """

    name: str
    model_pattern: str
    fim: str
    control: tuple[str, ...]
    stop: tuple[str, ...]
    repository: str = ""
    other_file: str = ""
    current_file: str = ""


_QWEN: Final = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>")
_STAR: Final = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<fim_pad>")
_DEEPSEEK: Final = ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>")
_BARS: Final = "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>"
_LINES: Final = "<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>"

TEMPLATES: Final = (
    Template(  # arXiv:2409.12186, figure 3 (file) and 4 (repository)
        name="qwen",
        model_pattern=r"(?<!code)qwen.*coder",
        fim=_BARS,
        control=(*_QWEN, "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|cursor|>"),
        stop=("<|endoftext|>", "<|file_sep|>", "<|fim_pad|>", "<|im_end|>", "<|repo_name|>", *_QWEN[:3], "<|cursor|>"),
        repository="<|repo_name|>{repository}\n",
        other_file="<|file_sep|>{path}\n{lines}",
        current_file="<|file_sep|>{path}\n" + _BARS,
    ),
    Template(  # arXiv:2402.19173, section 5.1
        name="starcoder2",
        model_pattern=r"starcoder-?2",
        fim=_LINES,
        control=(*_STAR, "<repo_name>", "<file_sep>", "<|endoftext|>"),
        stop=("<|endoftext|>", "<file_sep>", "<fim_prefix>", "<repo_name>", "<fim_suffix>", "<fim_middle>"),
        repository="<repo_name>{repository}",
        other_file="<file_sep>{path}\n{text}",
        current_file="<file_sep><fim_prefix>{path}\n{prefix}<fim_suffix>{suffix}<fim_middle>",
    ),
    Template(  # arXiv:2305.06161, section 5.1; Stable Code and CodeQwen1.5 by their model cards
        name="starcoder",
        model_pattern=r"starcoder|stable-?code|codeqwen",
        fim=_LINES,
        control=(*_STAR, "<reponame>", "<filename>", "<gh_stars>", "<file_sep>", "<|endoftext|>"),
        stop=("<|endoftext|>", "<file_sep>", "<filename>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    ),
    Template(  # arXiv:2308.12950, section 2.3, and its code's infilling prompt; the spaces are part of it
        name="codellama",
        model_pattern=r"code-?llama",
        fim="<PRE> {prefix} <SUF>{suffix} <MID>",
        control=("<PRE>", "<SUF>", "<MID>", "<EOT>", "<s>", "</s>"),
        stop=("<EOT>", "<PRE>", "<SUF>", "<MID>", "</s>"),
    ),
    Template(  # arXiv:2401.14196, section 3.1.2; U+FF5C and U+2581
        name="deepseek",
        model_pattern=r"deepseek-?coder",
        fim="<｜fim▁begin｜>{prefix}<｜fim▁hole｜>{suffix}<｜fim▁end｜>",
        control=(*_DEEPSEEK, "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<|EOT|>"),
        stop=("<｜end▁of▁sentence｜>", *_DEEPSEEK, "<|EOT|>"),
    ),
    Template(  # mistral-common, encode_fim; the server's tokenizer begins with <s>
        name="codestral",
        model_pattern=r"codestral|mistral-code",
        fim="[SUFFIX]{suffix}[PREFIX]{prefix}",
        control=("[PREFIX]", "[SUFFIX]", "[MIDDLE]", "<s>", "</s>", "[INST]", "[/INST]"),
        stop=("</s>", "[PREFIX]", "[SUFFIX]", "[MIDDLE]"),
    ),
    Template(  # arXiv:2406.11409, section 2.2
        name="codegemma",
        model_pattern=r"codegemma",
        fim=_BARS,
        control=(*_QWEN[:3], "<|file_separator|>", "<end_of_turn>", "<start_of_turn>", "<eos>", "<bos>"),
        stop=("<|file_separator|>", "<eos>", "<end_of_turn>", *_QWEN[:3]),
    ),
    Template(  # IBM's model card of Granite 4.0
        name="granite",
        model_pattern=r"granite-?4",
        fim=_BARS,
        control=(*_QWEN[:4], "<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>"),
        stop=("<|end_of_text|>", "<|fim_pad|>", *_QWEN[:3]),
    ),
    Template(  # arXiv:2405.04324, section 3.1
        name="granite-code",
        model_pattern=r"granite",
        fim=_LINES,
        control=(*_STAR, "<|endoftext|>", "<|end_of_text|>"),
        stop=("<|endoftext|>", "<|end_of_text|>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    ),
    Template(  # arXiv:2506.03524, section 2.2: suffix first
        name="seed-coder",
        model_pattern=r"seed-?coder",
        fim="<[fim-suffix]>{suffix}<[fim-prefix]>{prefix}<[fim-middle]>",
        control=("<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>", "<[end▁of▁sentence]>", "<[begin▁of▁sentence]>"),
        stop=("<[end▁of▁sentence]>", "<[fim-suffix]>", "<[fim-prefix]>", "<[fim-middle]>"),
    ),
    Template(  # Zed's edit_prediction crate, fim.rs; the tokens are those that llama.cpp finds in GLM-4.5
        name="glm",
        model_pattern=r"glm-?4",
        fim="<|code_prefix|>{prefix}<|code_suffix|>{suffix}<|code_middle|>",
        control=("<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>", "<|endoftext|>", "<|user|>", "<|assistant|>"),
        stop=("<|endoftext|>", "<|user|>", "<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"),
    ),
)
"""The first row whose pattern matches a model's name is its template."""

TEMPLATE_NAMES: Final = tuple(row.name for row in TEMPLATES)
CONTROL_TOKENS: Final = tuple(dict.fromkeys(token for row in TEMPLATES for token in row.control))
"""The control tokens of all families, for a model of unknown family."""


def template_named(name: str) -> Template | None:
    """The row called ``name``."""
    return next((row for row in TEMPLATES if row.name == name), None)


def template_for(model: str) -> Template | None:
    """The row for a model, by its name in any form that servers use: with an owner, a path, a tag or a quantization."""
    return next((row for row in TEMPLATES if re.search(row.model_pattern, model.lower())), None)


def render(template: Template, prompt: Prompt) -> str:
    """The prompt in the template's form, with control tokens neutralized."""
    suffix = neutralize(prompt.suffix, template.control)
    if not (prompt.context and template.current_file):
        return template.fim.format(prefix=neutralize(prefix_with_context(prompt), template.control), suffix=suffix)
    files = []
    for snippet in prompt.context:
        path, text = (neutralize(part, template.control) for part in (snippet.path, snippet.text))
        lines = text if text.endswith("\n") or not text else f"{text}\n"
        files.append(template.other_file.format(path=path, text=text, lines=lines))
    path, prefix = (neutralize(part, template.control) for part in (prompt.path or UNTITLED, prompt.prefix))
    current = template.current_file.format(path=path, prefix=prefix, suffix=suffix)
    return "".join([template.repository.format(repository=REPOSITORY), *files, current])


def neutralize(text: str, control: Sequence[str] = CONTROL_TOKENS) -> str:
    """``text`` with its control tokens broken up, in a form that UTF-8 can encode."""
    if not control:
        return encodable(text)
    return _any_of(control).sub(lambda found: f"{found[0][0]} {found[0][1:]}", encodable(text))


def has_control_token(text: str) -> bool:
    """Whether ``text`` contains a control token of any family."""
    return _any_of(CONTROL_TOKENS).search(text) is not None


def _any_of(tokens: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True))))  # re caches the last ones
