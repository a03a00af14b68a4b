"""The shapes of tokens that vendors hand out: a head that says whose it is, and what follows it.

A head is looked for as it stands, which costs a microsecond, and only behind one is a pattern tried. Every repetition
has an upper end, so that the time is linear whatever the text. The names in the table are those under which each vendor
documents its format; where a vendor publishes a length, the pattern asks for somewhat less, because formats grow and a
token may be cut.
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
    """``head``, kept in a placeholder, then ``tail``; its group ``secret``, if there is one, is all that is masked.

    ``free``: may stand behind a letter or digit, because nothing else looks like it. ``mixed``: what follows the head
    must look random, because words may follow it too.
    """

    kind: str
    head: str
    tail: re.Pattern[str]
    free: bool
    mixed: bool


_CLASSES: Final = MappingProxyType(
    {"A": "[0-9A-Za-z]", "W": "[0-9A-Za-z_-]", "H": "[0-9a-f]", "B": "[0-9A-Za-z+/=_.-]", "U": "[0-9A-Z]"}
)


def _rows(table: str) -> tuple[TokenPattern, ...]:
    """Rows of ``kind | heads | tail | flags``; a class letter before ``{`` stands for a set of :data:`_CLASSES`."""
    shapes: list[TokenPattern] = []
    for line in table.strip().splitlines():
        kind, heads, tail, flags = (cell.strip() for cell in line.split("¦"))
        pattern = re.compile(re.sub(r"([AWHBU])(?=\{)", lambda found: _CLASSES[found[1]], tail), re.ASCII)
        free, mixed = "free" in flags, "mixed" in flags
        shapes += (TokenPattern(kind=kind, head=head, tail=pattern, free=free, mixed=mixed) for head in heads.split())
    return tuple(sorted(shapes, key=lambda shape: -len(shape.head)))


SHAPES = _rows(r"""
    AWS: IAM unique identifiers           ¦ AKIA ASIA ABIA ACCA              ¦ [A-Z0-9]{16}(?![A-Za-z0-9]) ¦
    AWS: Bedrock API keys                 ¦ ABSK                             ¦ [0-9A-Za-z+/]{100,300}={0,2} ¦ mixed
    GitHub: token formats                 ¦ ghp_ gho_ ghu_ ghs_ ghr_         ¦ A{30,255} ¦ free
    GitHub: fine-grained tokens           ¦ github_pat_                      ¦ \w{40,255} ¦ free
    GitLab: token prefixes                ¦ glpat- gldt- glrt- glcbt- glptt- glft- glsoat- glagent- ¦ B{20,255} ¦ free
    GitLab: token prefixes                ¦ glimt- gloas- glffct- glwt- GR1348941 ¦ B{20,255} ¦ free
    Slack: token types                    ¦ xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxe- xoxc- ¦ [\w%-]{20,400} ¦ free
    Slack: token types                    ¦ xoxd- xoxe.xoxb- xoxe.xoxp-      ¦ [\w%-]{20,400} ¦ free
    Slack: app-level tokens               ¦ xapp-                            ¦ W{30,255} ¦ free
    Slack: incoming webhooks              ¦ hooks.slack.com/services/        ¦ [\w/]{24,200} ¦ free mixed
    Slack: incoming webhooks              ¦ hooks.slack.com/workflows/       ¦ [\w/]{24,200} ¦ free mixed
    Slack: incoming webhooks              ¦ hooks.slack.com/triggers/        ¦ [\w/]{24,200} ¦ free mixed
    Stripe: API keys                      ¦ sk_live_ rk_live_ sk_test_ rk_test_ ¦ A{16,255} ¦ free
    Stripe: webhook signing secrets       ¦ whsec_                           ¦ [0-9A-Za-z+/=]{24,255} ¦ free
    Anthropic: API keys                   ¦ sk-ant-                          ¦ W{24,255} ¦
    OpenAI and alike: API keys            ¦ sk-proj- sk-svcacct- sk-admin- sk-or-v1- sk-lf- sk- ¦ W{20,255} ¦ mixed
    Google: API keys                      ¦ AIza                             ¦ W{35} ¦ free
    Google: OAuth client secrets          ¦ GOCSPX-                          ¦ W{24,64} ¦ free
    Google: OAuth access tokens           ¦ ya29.                            ¦ [\w.-]{20,400} ¦
    Google: OAuth refresh tokens          ¦ 1//0                             ¦ W{40,200} ¦
    npm: access tokens                    ¦ npm_                             ¦ A{36,64} ¦ mixed
    PyPI: API tokens                      ¦ pypi-                            ¦ W{50,400} ¦ mixed
    RubyGems: API keys                    ¦ rubygems_                        ¦ H{40,64} ¦
    Docker: personal access tokens        ¦ dckr_pat_ dckr_oat_              ¦ W{24,64} ¦ free
    Hugging Face: user access tokens      ¦ hf_                              ¦ A{30,64} ¦
    Hugging Face: organization tokens     ¦ api_org_                         ¦ A{30,64} ¦
    SendGrid: API keys                    ¦ SG.                              ¦ W{16,32}\.W{30,64} ¦
    Twilio: API key and account SIDs      ¦ SK AC                            ¦ H{32}(?![0-9A-Za-z]) ¦
    Mailgun: API keys                     ¦ key-                             ¦ H{32}(?![0-9A-Za-z]) ¦
    Brevo: API keys                       ¦ xkeysib- xsmtpsib-               ¦ [0-9A-Za-z-]{60,100} ¦ free
    DigitalOcean: tokens                  ¦ dop_v1_ doo_v1_ dor_v1_          ¦ H{48,128} ¦ free
    Shopify: access tokens                ¦ shpat_ shpca_ shppa_ shpss_      ¦ [0-9a-fA-F]{32} ¦ free
    Databricks: personal access tokens    ¦ dapi dkea                        ¦ H{32}(?:-\d)? ¦ mixed
    HashiCorp: Vault tokens               ¦ hvs. hvb. hvr.                   ¦ W{20,400} ¦ mixed
    HashiCorp: Terraform Cloud tokens     ¦ .atlasv1.                        ¦ W{50,100} ¦ free
    Linear: API keys                      ¦ lin_api_ lin_oauth_              ¦ A{32,128} ¦ free
    Notion: integration secrets           ¦ ntn_ secret_                     ¦ A{40,60} ¦ mixed
    Grafana: service account tokens       ¦ glsa_                            ¦ A{30,40}_[0-9A-Fa-f]{8} ¦ free
    Grafana: Cloud access policy tokens   ¦ glc_                             ¦ [0-9A-Za-z+/=]{32,400} ¦ mixed
    Sentry: auth tokens                   ¦ sntrys_ sntryu_                  ¦ B{32,400} ¦ free
    Postman: API keys                     ¦ PMAK-                            ¦ H{24}-H{34} ¦ free
    Doppler: token formats                ¦ dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit. ¦ [\w.-]{40,100} ¦ mixed
    Fly.io: access tokens                 ¦ fm1r_ fm1a_ fm2_ fo1_            ¦ [0-9A-Za-z+/=_,-]{32,500} ¦ mixed
    Atlassian: API tokens                 ¦ ATATT3 ATCTT3 ATBB               ¦ [\w=-]{28,300} ¦ mixed
    Azure: storage account keys           ¦ AccountKey= SharedAccessKey=     ¦ [0-9A-Za-z+/]{40,120}={0,2} ¦ free
    Azure: shared access signatures       ¦ sig= ¦ (?:[0-9A-Za-z+/_-]|%[0-9A-F]{2}){40,120}={0,2} ¦ mixed
    RFC 7519: JSON web tokens             ¦ eyJ                              ¦ W{8,2000}\.eyJW{4,4000}\.W{8,1500} ¦ free
    age: secret keys                      ¦ AGE-SECRET-KEY-1                 ¦ U{50,80} ¦ free
    Telegram: bot tokens                  ¦ :AA                              ¦ W{33}(?![\w-]) ¦ free mixed
    Discord: webhooks                     ¦ discord.com/api/webhooks/        ¦ \d{16,20}/W{50,100} ¦ free
    Discord: webhooks                     ¦ discordapp.com/api/webhooks/     ¦ \d{16,20}/W{50,100} ¦ free
    Microsoft: Teams webhooks             ¦ webhook.office.com/webhookb2/    ¦ [\w@/-]{60,300} ¦ free
    Square: access tokens                 ¦ sq0atp- sq0csp- EAAA             ¦ W{22,100} ¦ mixed
    PlanetScale: tokens                   ¦ pscale_tkn_ pscale_pw_ pscale_oauth_ ¦ [\w.=-]{32,64} ¦ free
    Supabase: access tokens               ¦ sbp_ sb_secret_                  ¦ W{20,64} ¦ mixed
    New Relic: user keys                  ¦ NRAK-                            ¦ U{27} ¦ free
    Figma: personal access tokens         ¦ figd_                            ¦ W{36,64} ¦ free
    Groq: API keys                        ¦ gsk_                             ¦ A{40,80} ¦
    xAI: API keys                         ¦ xai-                             ¦ W{60,100} ¦ mixed
    Replicate: API tokens                 ¦ r8_                              ¦ A{36,40} ¦
    Perplexity: API keys                  ¦ pplx-                            ¦ A{40,64} ¦
    Pulumi: access tokens                 ¦ pul-                             ¦ H{40} ¦
    Netlify: personal access tokens       ¦ nfp_                             ¦ A{36,64} ¦
    Airtable: personal access tokens      ¦ pat                              ¦ A{14}\.H{64} ¦
    HubSpot: private app tokens           ¦ pat-na1- pat-na2- pat-eu1-       ¦ [0-9a-fA-F-]{36} ¦
    Contentful: management tokens         ¦ CFPAT-                           ¦ W{43} ¦
    Dynatrace: tokens                     ¦ dt0c01. dt0s01.                  ¦ U{24}\.U{64} ¦ free
    EasyPost: API keys                    ¦ EZAK EZTK                        ¦ A{54} ¦
    Buildkite: API tokens                 ¦ bkua_                            ¦ H{40} ¦
    Alibaba Cloud: access keys            ¦ LTAI                             ¦ A{16,24}(?!A) ¦ mixed
    JFrog: API keys                       ¦ AKCp                             ¦ A{60,80} ¦ free
    NuGet: API keys                       ¦ oy2                              ¦ [a-z0-9]{43}(?![0-9A-Za-z]) ¦ mixed
""")  # fmt: skip

_LEAST = 18  # no token is shorter, so only such words are looked through for heads
_ESCAPES = ("\\n", "\\r", "\\t")
_DISCORD = re.compile(r"\.[\w-]{6}\.[\w-]{27,38}(?![\w-])", re.ASCII)  # Discord: bot tokens, whose head is a number
_DISCORD_ID = re.compile(r"[MNO][\w-]{23,27}\Z", re.ASCII)


def shaped(text: str) -> Iterator[Span]:
    """Every token of a known shape in ``text``; spans may overlap."""
    long = " ".join(word for word in text.split() if len(word) >= _LEAST)
    for shape in SHAPES:
        at = text.find(shape.head) if shape.head in long else -1
        while at >= 0:
            end = _end(text, at, shape)
            if end:
                yield Span(start=at, end=end, kind=shape.kind)
            at = text.find(shape.head, end or at + len(shape.head))
    for found in _DISCORD.finditer(text):
        before = _DISCORD_ID.search(text, max(0, found.start() - 28), found.start())
        if before and _stands_free(text, before.start()):
            yield Span(start=before.start(), end=found.end(), kind="Discord: bot tokens")


def head(secret: str) -> int:
    """How many characters at the start of ``secret`` name its vendor and may stay."""
    return next((len(shape.head) for shape in SHAPES if secret.startswith(shape.head)), 0)


def _end(text: str, at: int, shape: TokenPattern) -> int:
    """Where the token with its head at ``at`` ends, 0 if there is none."""
    if not shape.free and not _stands_free(text, at):
        return 0
    found = shape.tail.match(text, at + len(shape.head))
    if not found or is_placeholder(found[0]) or (shape.mixed and not looks_random(found[0])):
        return 0
    return found.end()


def _stands_free(text: str, at: int) -> bool:
    """Whether a word may begin at ``at``: at the start, behind a sign, or behind an escaped line end."""
    return not at or not (text[at - 1].isalnum() or text[at - 1] in "_-") or text[at - 2 : at] in _ESCAPES
