"""The tokens that vendors issue: a head that identifies the vendor, and what follows it.

Heads are searched for as plain strings, which costs a microsecond each; a pattern is tried only after a head. Every
repetition has an upper bound, so the time is linear for any text. Rows are named after the vendor's documentation of the
format; where a vendor publishes a length, the pattern requires a little less, because formats change and a token may
be cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from fim_lsp.redaction.value_heuristics import is_placeholder, looks_random


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """``text[start:end]`` is a secret of some ``kind``."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPattern:
    """``head``, which a placeholder keeps, then ``tail``.

    ``anywhere``: it counts inside a word too, because nothing else looks like it. ``random``: the tail must look random,
    because ordinary words may follow the head.
    """

    kind: str
    head: str
    tail: re.Pattern[str]
    anywhere: bool
    random: bool


_CLASSES: Final = MappingProxyType(
    {"A": "[0-9A-Za-z]", "W": "[0-9A-Za-z_-]", "H": "[0-9a-f]", "B": "[0-9A-Za-z+/=_.-]", "U": "[0-9A-Z]"}
)


def _rows(table: str) -> tuple[TokenPattern, ...]:
    """Rows of ``kind ¦ heads ¦ tail ¦ flags``, longest head first; a class letter before ``{`` is one of :data:`_CLASSES`."""
    patterns: list[TokenPattern] = []
    for line in table.strip().splitlines():
        kind, heads, tail, flags = (cell.strip() for cell in line.split("¦"))
        regex = re.compile(re.sub(r"([AWHBU])(?=\{)", lambda found: _CLASSES[found[1]], tail), re.ASCII)
        anywhere, random = "anywhere" in flags, "random" in flags
        patterns += [
            TokenPattern(kind=kind, head=head, tail=regex, anywhere=anywhere, random=random) for head in heads.split()
        ]
    return tuple(sorted(patterns, key=lambda pattern: -len(pattern.head)))


TOKEN_PATTERNS: Final = _rows(r"""
    AWS: IAM unique identifiers           ¦ AKIA ASIA ABIA ACCA              ¦ [A-Z0-9]{16}(?![A-Za-z0-9]) ¦
    AWS: Bedrock API keys                 ¦ ABSK                             ¦ [0-9A-Za-z+/]{100,300}={0,2} ¦ random
    GitHub: token formats                 ¦ ghp_ gho_ ghu_ ghs_ ghr_         ¦ A{30,255} ¦ anywhere
    GitHub: fine-grained tokens           ¦ github_pat_                      ¦ \w{40,255} ¦ anywhere
    GitLab: token prefixes                ¦ glpat- gldt- glrt- glcbt- glptt- glft- glsoat- glagent- ¦ B{20,255} ¦ anywhere
    GitLab: token prefixes                ¦ glimt- gloas- glffct- glwt- GR1348941 ¦ B{20,255} ¦ anywhere
    Slack: token types                    ¦ xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxe- xoxc- ¦ [\w%-]{20,400} ¦ anywhere
    Slack: token types                    ¦ xoxd- xoxe.xoxb- xoxe.xoxp-      ¦ [\w%-]{20,400} ¦ anywhere
    Slack: app-level tokens               ¦ xapp-                            ¦ W{30,255} ¦ anywhere
    Slack: incoming webhooks              ¦ hooks.slack.com/services/        ¦ [\w/]{24,200} ¦ anywhere random
    Slack: incoming webhooks              ¦ hooks.slack.com/workflows/       ¦ [\w/]{24,200} ¦ anywhere random
    Slack: incoming webhooks              ¦ hooks.slack.com/triggers/        ¦ [\w/]{24,200} ¦ anywhere random
    Stripe: API keys                      ¦ sk_live_ rk_live_ sk_test_ rk_test_ ¦ A{16,255} ¦ anywhere
    Stripe: webhook signing secrets       ¦ whsec_                           ¦ [0-9A-Za-z+/=]{24,255} ¦ anywhere
    Anthropic: API keys                   ¦ sk-ant-                          ¦ W{24,255} ¦
    OpenAI and alike: API keys            ¦ sk-proj- sk-svcacct- sk-admin- sk-or-v1- sk-lf- sk- ¦ W{20,255} ¦ random
    Google: API keys                      ¦ AIza                             ¦ W{35} ¦ anywhere
    Google: OAuth client secrets          ¦ GOCSPX-                          ¦ W{24,64} ¦ anywhere
    Google: OAuth access tokens           ¦ ya29.                            ¦ [\w.-]{20,400} ¦
    Google: OAuth refresh tokens          ¦ 1//0                             ¦ W{40,200} ¦
    npm: access tokens                    ¦ npm_                             ¦ A{36,64} ¦ random
    PyPI: API tokens                      ¦ pypi-                            ¦ W{50,400} ¦ random
    RubyGems: API keys                    ¦ rubygems_                        ¦ H{40,64} ¦
    Docker: personal access tokens        ¦ dckr_pat_ dckr_oat_              ¦ W{24,64} ¦ anywhere
    Hugging Face: user access tokens      ¦ hf_                              ¦ A{30,64} ¦
    Hugging Face: organization tokens     ¦ api_org_                         ¦ A{30,64} ¦
    SendGrid: API keys                    ¦ SG.                              ¦ W{16,32}\.W{30,64} ¦
    Twilio: API key and account SIDs      ¦ SK AC                            ¦ H{32}(?![0-9A-Za-z]) ¦
    Mailgun: API keys                     ¦ key-                             ¦ H{32}(?![0-9A-Za-z]) ¦
    Brevo: API keys                       ¦ xkeysib- xsmtpsib-               ¦ [0-9A-Za-z-]{60,100} ¦ anywhere
    DigitalOcean: tokens                  ¦ dop_v1_ doo_v1_ dor_v1_          ¦ H{48,128} ¦ anywhere
    Shopify: access tokens                ¦ shpat_ shpca_ shppa_ shpss_      ¦ [0-9a-fA-F]{32} ¦ anywhere
    Databricks: personal access tokens    ¦ dapi dkea                        ¦ H{32}(?:-\d)? ¦ random
    HashiCorp: Vault tokens               ¦ hvs. hvb. hvr.                   ¦ W{20,400} ¦ random
    HashiCorp: Terraform Cloud tokens     ¦ .atlasv1.                        ¦ W{50,100} ¦ anywhere
    Linear: API keys                      ¦ lin_api_ lin_oauth_              ¦ A{32,128} ¦ anywhere
    Notion: integration secrets           ¦ ntn_ secret_                     ¦ A{40,60} ¦ random
    Grafana: service account tokens       ¦ glsa_                            ¦ A{30,40}_[0-9A-Fa-f]{8} ¦ anywhere
    Grafana: Cloud access policy tokens   ¦ glc_                             ¦ [0-9A-Za-z+/=]{32,400} ¦ random
    Sentry: auth tokens                   ¦ sntrys_ sntryu_                  ¦ B{32,400} ¦ anywhere
    Postman: API keys                     ¦ PMAK-                            ¦ H{24}-H{34} ¦ anywhere
    Doppler: token formats                ¦ dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit. ¦ [\w.-]{40,100} ¦ random
    Fly.io: access tokens                 ¦ fm1r_ fm1a_ fm2_ fo1_            ¦ [0-9A-Za-z+/=_,-]{32,500} ¦ random
    Atlassian: API tokens                 ¦ ATATT3 ATCTT3 ATBB               ¦ [\w=-]{28,300} ¦ random
    Azure: storage account keys           ¦ AccountKey= SharedAccessKey=     ¦ [0-9A-Za-z+/]{40,120}={0,2} ¦ anywhere
    Azure: shared access signatures       ¦ sig= ¦ (?:[0-9A-Za-z+/_-]|%[0-9A-F]{2}){40,120}={0,2} ¦ random
    RFC 7519: JSON web tokens             ¦ eyJ                              ¦ W{8,2000}\.eyJW{4,4000}\.W{8,1500} ¦ anywhere
    age: secret keys                      ¦ AGE-SECRET-KEY-1                 ¦ U{50,80} ¦ anywhere
    Telegram: bot tokens                  ¦ :AA                              ¦ W{33}(?![\w-]) ¦ anywhere random
    Discord: webhooks                     ¦ discord.com/api/webhooks/        ¦ \d{16,20}/W{50,100} ¦ anywhere
    Discord: webhooks                     ¦ discordapp.com/api/webhooks/     ¦ \d{16,20}/W{50,100} ¦ anywhere
    Microsoft: Teams webhooks             ¦ webhook.office.com/webhookb2/    ¦ [\w@/-]{60,300} ¦ anywhere
    Square: access tokens                 ¦ sq0atp- sq0csp- EAAA             ¦ W{22,100} ¦ random
    PlanetScale: tokens                   ¦ pscale_tkn_ pscale_pw_ pscale_oauth_ ¦ [\w.=-]{32,64} ¦ anywhere
    Supabase: access tokens               ¦ sbp_ sb_secret_                  ¦ W{20,64} ¦ random
    New Relic: user keys                  ¦ NRAK-                            ¦ U{27} ¦ anywhere
    Figma: personal access tokens         ¦ figd_                            ¦ W{36,64} ¦ anywhere
    Groq: API keys                        ¦ gsk_                             ¦ A{40,80} ¦
    xAI: API keys                         ¦ xai-                             ¦ W{60,100} ¦ random
    Replicate: API tokens                 ¦ r8_                              ¦ A{36,40} ¦
    Perplexity: API keys                  ¦ pplx-                            ¦ A{40,64} ¦
    Pulumi: access tokens                 ¦ pul-                             ¦ H{40} ¦
    Netlify: personal access tokens       ¦ nfp_                             ¦ A{36,64} ¦
    Airtable: personal access tokens      ¦ pat                              ¦ A{14}\.H{64} ¦
    HubSpot: private app tokens           ¦ pat-na1- pat-na2- pat-eu1-       ¦ [0-9a-fA-F-]{36} ¦
    Contentful: management tokens         ¦ CFPAT-                           ¦ W{43} ¦
    Dynatrace: tokens                     ¦ dt0c01. dt0s01.                  ¦ U{24}\.U{64} ¦ anywhere
    EasyPost: API keys                    ¦ EZAK EZTK                        ¦ A{54} ¦
    Buildkite: API tokens                 ¦ bkua_                            ¦ H{40} ¦
    Alibaba Cloud: access keys            ¦ LTAI                             ¦ A{16,24}(?!A) ¦ random
    JFrog: API keys                       ¦ AKCp                             ¦ A{60,80} ¦ anywhere
    NuGet: API keys                       ¦ oy2                              ¦ [a-z0-9]{43}(?![0-9A-Za-z]) ¦ random
""")  # fmt: skip

_MIN_LENGTH = 18  # of any token: heads are searched for only in words that are this long
_ESCAPES = ("\\n", "\\r", "\\t")
_DISCORD_ID = re.compile(r"[MNO][\w-]{23,27}\Z", re.ASCII)  # a bot token begins with the bot's number, in base64
_DISCORD_TAIL = re.compile(r"\.[\w-]{6}\.[\w-]{27,38}(?![\w-])", re.ASCII)
_DISCORD_ID_LENGTH = 28


def find_tokens(text: str) -> Iterator[Span]:
    """Every token of a known form in ``text``; spans may overlap."""
    long_words = " ".join(word for word in text.split() if len(word) >= _MIN_LENGTH)
    for pattern in TOKEN_PATTERNS:
        start = text.find(pattern.head) if pattern.head in long_words else -1
        while start >= 0:
            end = _end(text, start, pattern)
            if end:
                yield Span(start=start, end=end, kind=pattern.kind)
            start = text.find(pattern.head, end or start + len(pattern.head))
    yield from _discord_tokens(text)


def known_head(secret: str) -> str:
    """The start of ``secret`` that identifies its vendor, and may be shown."""
    return next((pattern.head for pattern in TOKEN_PATTERNS if secret.startswith(pattern.head)), "")


def _discord_tokens(text: str) -> Iterator[Span]:
    for tail in _DISCORD_TAIL.finditer(text):
        bot_id = _DISCORD_ID.search(text, max(0, tail.start() - _DISCORD_ID_LENGTH), tail.start())
        if bot_id and _begins_word(text, bot_id.start()):
            yield Span(start=bot_id.start(), end=tail.end(), kind="Discord: bot tokens")


def _end(text: str, start: int, pattern: TokenPattern) -> int:
    """Where the token with its head at ``start`` ends; 0 if there is none."""
    if not pattern.anywhere and not _begins_word(text, start):
        return 0
    tail = pattern.tail.match(text, start + len(pattern.head))
    if not tail or is_placeholder(tail[0]) or (pattern.random and not looks_random(tail[0])):
        return 0
    return tail.end()


def _begins_word(text: str, position: int) -> bool:
    """Whether a word may begin here: after whitespace, punctuation or an escaped line end."""
    if position == 0 or text[position - 2 : position] in _ESCAPES:
        return True
    return not (text[position - 1].isalnum() or text[position - 1] in "_-")
