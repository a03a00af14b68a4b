"""What to do about each failure, in one table. The sentences with the causes are those of the errors themselves."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from fim_lsp.backends.key_store import key_set_command
from fim_lsp.errors import (
    BadReply,
    FimError,
    Intercepted,
    KeyStoreError,
    Overloaded,
    Paused,
    RateLimited,
    Rejected,
    SettingError,
    Unauthorized,
    UnknownModel,
    Unreachable,
)
from fim_lsp.rate_limit.store import StoreUnavailable
from fim_lsp.settings.schema import SettingProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What remedies refer to.

    ``address`` is ``host`` with its scheme, which decides where a stored key is sent. ``key_page`` is where keys for it are
    made, ``keep_key`` how one is kept; ``model`` is a model to use instead and ``model_origin`` where the present one is set;
    ``until`` is when a limit ends, as a clock time. All may be ``""``.
    """

    host: str = ""
    address: str = ""
    key_page: str = "the host's own pages"
    keep_key: str = "set api_key in config.toml"
    model: str = ""
    model_origin: str = "config.toml"
    until: str = ""


KEY_PAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "codestral.mistral.ai": "console.mistral.ai under Codestral",
        "api.mistral.ai": "console.mistral.ai under API keys",
        "api.langdock.com": 'your Langdock workspace\'s settings, with the scope "Completion API"',
    }
)
"""Where the keys of each host are made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One row: for errors of a kind whose sentence contains ``words``, a pattern. ``text`` may use the names of Facts."""

    kind: type[object]
    words: str = ""
    text: str


_SET_PROXY = "or name your network's proxy in HTTPS_PROXY"

# The first row that fits applies; the last row of each kind has no words.
REMEDIES: Final = (
    # keys
    Remedy(
        kind=Unauthorized,
        words="^api_key_command",  # the program has failed; other sentences name the setting as a way out
        text="run the program in api_key_command in a terminal: it must print the key as its first line and exit with 0",
    ),
    Remedy(kind=Unauthorized, words="keyring", text="unlock the keyring, or keep the key again: {key_command}"),
    Remedy(
        kind=Unauthorized,
        words=r"keys\.json is not used",
        text="do that with the file, and if the key is gone, keep it again: {key_command}",
    ),
    Remedy(kind=Unauthorized, words=r"no longer in", text="keep the key again: {key_command}"),
    Remedy(
        kind=Unauthorized,
        words="requires payment",
        text="add a means of payment to the key's account, or set another backend",
    ),
    Remedy(
        kind=Unauthorized,
        words="no key has",
        text="copy the key again, without spaces or line ends, and {keep_key}",
    ),
    Remedy(kind=Unauthorized, words="refuses", text="get a valid key at {key_page}, and {keep_key}"),
    Remedy(kind=Unauthorized, text="get a key at {key_page}, and {keep_key}"),
    Remedy(kind=KeyStoreError, text="keep the key again: {key_command}"),
    # models
    Remedy(
        kind=UnknownModel,
        words="FIM template|fim_template",
        text='set fim_template in config.toml to the family of your model, for example fim_template = "qwen"',
    ),
    Remedy(
        kind=UnknownModel,
        words="offers no model",
        text='set another back end in config.toml, for example backend = "codestral"',
    ),
    Remedy(
        kind=UnknownModel,
        words="`ollama (pull|list)",
        text="get a model that can fill in the middle: ollama pull qwen2.5-coder:1.5b-base",
    ),
    Remedy(
        kind=UnknownModel,
        words="can't fill in the middle",
        text="in {model_origin}, set {model}; on your own server, load a model that can: llama-server --fim-qwen-1.5b-default",
    ),
    Remedy(kind=UnknownModel, text="in {model_origin}, set {model}, or remove the setting to get the default"),
    # limits
    Remedy(
        kind=RateLimited,
        words="at all",
        text="this key's plan excludes the model: set `model` in config.toml to another one, or change the plan",
    ),
    Remedy(
        kind=RateLimited,
        text="wait{until}: it ends by itself, and `fallback` answers meanwhile. If it happens often, lower prompt_tokens or "
        "requests_per_minute, or ask for a larger quota",
    ),
    Remedy(
        kind=Paused,
        words="too small",
        text="raise tokens_per_minute or requests_per_minute in config.toml (0: no limit), or lower prompt_tokens",
    ),
    Remedy(
        kind=Paused,
        text="wait{until}: until then `fallback` answers. If it happens often, lower prompt_tokens, or raise tokens_per_minute "
        "and requests_per_minute to what your plan allows",
    ),
    Remedy(kind=Overloaded, text="wait a few minutes: `fallback` answers meanwhile"),
    Remedy(
        kind=Unreachable,
        words="api_key_command has not|keyring.* has not answered",
        text="run this again once it has answered: a call does not wait for it longer than the setting timeout",
    ),
    # the network
    Remedy(
        kind=Unreachable,
        words=r"the proxy .*\(407\)",
        text="put the proxy's login into its URL where your editor is started: HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT",
    ),
    Remedy(
        kind=Unreachable,
        words="HTTPS_PROXY and ALL_PROXY",
        text="correct the variable where your editor is started: HTTPS_PROXY=http://HOST:PORT (SOCKS is not supported), or "
        "unset it",
    ),
    Remedy(
        kind=Unreachable,
        words="the proxy ",
        text="correct HTTPS_PROXY (or ALL_PROXY) where your editor is started, or unset it, or except this host: NO_PROXY={host}",
    ),
    Remedy(
        kind=Unreachable,
        words="SSL_CERT_(FILE|DIR)",
        text="name a file with your company's CA certificates in PEM form: SSL_CERT_FILE=/path/to/ca.pem, where your editor is "
        "started",
    ),
    Remedy(
        kind=Unreachable,
        words="this machine's clock",
        text="correct this machine's clock, or have the server's certificate renewed",
    ),
    Remedy(
        kind=Unreachable,
        words="certificate is for another",
        text="set base_url in config.toml to the name in the certificate",
    ),
    Remedy(
        kind=Unreachable,
        words="in TLS|speak TLS|TLS fails|for https:// if",
        text="correct the beginning of base_url in config.toml: http:// for a server without TLS, https:// with it",
    ),
    Remedy(
        kind=Unreachable,
        words="name is unknown",
        text="check the spelling of base_url, and that this machine is online (VPN, DNS); " + _SET_PROXY[3:],
    ),
    Remedy(
        kind=Unreachable,
        words="`ollama serve`|llama-server --fim",
        text="start the server; if it runs elsewhere, set base_url in config.toml",
    ),
    Remedy(
        kind=Unreachable,
        words="nothing (listens|responds)",
        text="start the server at {host}, or correct base_url in config.toml",
    ),
    Remedy(
        kind=Unreachable,
        words="in time|within|no route",
        text="check that this machine is online and that a firewall lets it connect to {host}, " + _SET_PROXY,
    ),
    Remedy(kind=Unreachable, text="try again; if it stays, check the network and base_url"),
    Remedy(
        kind=Intercepted,
        words="base_url",
        text="check base_url in config.toml; if it is right, open {address} in a browser: the page names who sent it",
    ),
    Remedy(
        kind=Intercepted,
        text="open {address} in a browser on this machine: sign in there, or ask your administrator to allow {host} for "
        "programs; " + _SET_PROXY[3:],
    ),
    # requests and replies
    Remedy(kind=Rejected, words="prompt is too long", text="set prompt_tokens in config.toml to a smaller number"),
    Remedy(
        kind=Rejected,
        words="redirects",
        text="if that is a sign-in page, open {address} in a browser and sign in; if it is the API's new address, set "
        "base_url in config.toml to it",
    ),
    Remedy(
        kind=Rejected,
        words="base_url|nothing at",
        text="set base_url in config.toml to the API's address without its path, or remove it to get the default",
    ),
    Remedy(kind=Rejected, text="correct the setting that it names in config.toml, or remove it to get the default"),
    Remedy(
        kind=BadReply,
        text="check that base_url is the address of the API itself and that nothing in between changes its replies",
    ),
    Remedy(kind=SettingError, words="base_url", text='set it in config.toml: base_url = "https://HOST"'),
    Remedy(kind=SettingError, text="correct it in config.toml"),
    # the count of the quota
    Remedy(
        kind=StoreUnavailable, words="redis package", text="pip install 'fim-lsp[redis]' where fim-lsp is installed"
    ),
    Remedy(
        kind=StoreUnavailable,
        words="redis",
        text='check the address in limits_store and that the server runs, or count alone: limits_store = "process"',
    ),
    Remedy(
        kind=StoreUnavailable,
        text="make that folder writable, or name another one in XDG_STATE_HOME where your editor is started; "
        'limits_store = "process" counts without a file',
    ),
    # settings
    Remedy(
        kind=SettingProblem,
        words="did you mean|it looks like",
        text="correct the name there, and see what applies: fim-lsp config",
    ),
    Remedy(
        kind=SettingProblem,
        words="is not valid TOML|is not a table",
        text="correct that line, and check the file: fim-lsp config --check {file}",
    ),
    Remedy(kind=SettingProblem, words="not a regular file", text="move it away, and write a file in its place: {file}"),
    Remedy(kind=SettingProblem, words="can't be read", text="make it readable for you: chmod u+r {file}"),
    Remedy(kind=SettingProblem, words="does not exist", text="create the file, or unset FIM_LSP_CONFIG"),
    Remedy(
        kind=SettingProblem,
        words="from a project's|a project may",
        text="move it to your own config.toml if you want it",
    ),
    Remedy(kind=SettingProblem, words="key is not used", text="set the key in the same place as backend or base_url"),
    Remedy(kind=SettingProblem, text="correct it there, and see what applies: fim-lsp config"),
)


def remedy_for(failure: FimError | SettingProblem, facts: Facts | None = None) -> str:
    """What to do about an error or a problem with settings."""
    sentence = failure.message if isinstance(failure, SettingProblem) else str(failure)
    rows = (row for row in REMEDIES if isinstance(failure, row.kind) and re.search(row.words, sentence))
    row = next(rows, None)
    if row is None:
        return "look into the log: fim-lsp --log-file PATH --log-level debug"
    facts = facts or Facts()
    return row.text.format(
        file=re.split(r" is not valid| can't be read| contains |: ", sentence, maxsplit=1)[0],
        address=facts.address,
        host=facts.host,
        key_command=key_set_command(facts.address) if facts.address else "fim-lsp key set HOST",
        key_page=facts.key_page,
        keep_key=facts.keep_key,
        model=f'model = "{facts.model}"' if facts.model else "`model` to one that can fill in",
        model_origin=facts.model_origin,
        until=f" until {facts.until}" if facts.until else "",
    )


def clock_time(seconds: float) -> str:
    """The clock time in so many seconds: ``14:05``, or ``14:05:30`` if that is soon, with the day if it is not today."""
    now = time.time()
    at = time.localtime(now + seconds)
    shown = time.strftime("%H:%M:%S" if seconds < _SOON else "%H:%M", at)
    return shown if at.tm_yday == time.localtime(now).tm_yday else time.strftime("%d %B, ", at) + shown


_SOON: Final = 120.0  # seconds
