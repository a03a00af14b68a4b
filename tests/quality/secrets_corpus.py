"""Made-up secrets in the places where they turn up: grammars from the vendors' own descriptions, and contexts.

Nothing here knows how secrets are found. A token is put together when it is needed, from a head and random characters,
so that none stands in the repository.
"""

from __future__ import annotations

import base64
import json
import random
import string
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALNUM, HEX = string.ascii_letters + DIGITS, "0123456789abcdef"
WEB = ALNUM + "-_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """``text`` with the secret ``pieces`` in it, the cursor at ``cursor``; of each piece no part may be left."""

    kind: str
    place: str
    text: str
    pieces: tuple[str, ...]
    cursor: int


def _some(chance: random.Random, characters: str, least: int, most: int = 0) -> str:
    length = chance.randint(least, most or least)
    return "".join(chance.choices(characters, k=length))


def _bytes(chance: random.Random, length: int) -> str:
    return base64.b64encode(chance.randbytes(length)).decode()


def _web_bytes(chance: random.Random, length: int) -> str:
    return base64.urlsafe_b64encode(chance.randbytes(length)).decode().rstrip("=")


def _jwt(chance: random.Random) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    head = part({"alg": "HS256", "typ": "JWT"})
    return f"{head}.{part({'sub': _some(chance, DIGITS, 10), 'iat': chance.randint(10**9, 2 * 10**9)})}.{_web_bytes(chance, 32)}"


def _discord(chance: random.Random) -> str:
    user = base64.b64encode(str(chance.randint(5 * 10**17, 10**18)).encode()).decode().rstrip("=")
    return f"{user}.{_some(chance, WEB, 6)}.{_some(chance, WEB, 27, 38)}"


Maker = Callable[[random.Random], str]

# By the vendors' documentation: head and alphabet of the random part.
TOKENS: dict[str, Maker] = {
    "AWS access key id": lambda r: r.choice(("AK", "AS")) + "IA" + _some(r, UPPER + "234567", 16),
    "GitHub classic": lambda r: "gh" + r.choice("pousr") + "_" + _some(r, ALNUM, 36),
    "GitHub fine-grained": lambda r: "github" + "_pat_" + _some(r, ALNUM, 22) + "_" + _some(r, ALNUM, 59),
    "GitLab personal": lambda r: "gl" + "pat-" + _some(r, WEB, 20),
    "GitLab runner": lambda r: "gl" + "rt-" + _some(r, WEB, 20),
    "GitLab routable": lambda r: "gl" + "pat-" + _some(r, WEB, 27) + ".01." + _some(r, LOWER + DIGITS, 9),
    "Slack bot": lambda r: "xox" + "b-" + _some(r, DIGITS, 12) + "-" + _some(r, DIGITS, 13) + "-" + _some(r, ALNUM, 24),
    "Slack user": lambda r: "xox" + "p-" + "-".join(_some(r, DIGITS, 12) for _ in range(3)) + "-" + _some(r, HEX, 32),
    "Slack app": lambda r: "xap" + "p-1-A" + _some(r, UPPER + DIGITS, 10) + "-" + _some(r, DIGITS, 13) + "-" + _some(r, HEX, 64),
    "Slack webhook": lambda r: "https://hooks.slack" + ".com/services/T" + _some(r, UPPER + DIGITS, 8, 10) + "/B"
    + _some(r, UPPER + DIGITS, 8, 10) + "/" + _some(r, ALNUM, 24),
    "Stripe secret": lambda r: r.choice("sr") + "k_" + "live_" + _some(r, ALNUM, 24, 99),
    "Stripe webhook": lambda r: "wh" + "sec_" + _some(r, ALNUM, 32),
    "OpenAI": lambda r: "s" + "k-" + _some(r, ALNUM, 20) + "T3Blbk" + "FJ" + _some(r, ALNUM, 20),
    "OpenAI project": lambda r: "s" + "k-proj-" + _some(r, WEB, 74) + "T3Blbk" + "FJ" + _some(r, WEB, 74),
    "Anthropic": lambda r: "s" + "k-ant-api03-" + _some(r, WEB, 93) + "AA",
    "Google API": lambda r: "AI" + "zaSy" + _some(r, WEB, 33),
    "Google OAuth secret": lambda r: "GOC" + "SPX-" + _some(r, WEB, 28),
    "Google OAuth access": lambda r: "ya" + "29." + _some(r, WEB, 60, 200),
    "npm": lambda r: "np" + "m_" + _some(r, ALNUM, 36),
    "PyPI": lambda r: "py" + "pi-AgEIcHlwaS5vcmc" + _web_bytes(r, 100),
    "Hugging Face": lambda r: "h" + "f_" + _some(r, string.ascii_letters, 34),
    "SendGrid": lambda r: "S" + "G." + _some(r, WEB, 22) + "." + _some(r, WEB, 43),
    "Twilio key": lambda r: "S" + "K" + _some(r, HEX, 32),
    "Mailgun": lambda r: "ke" + "y-" + _some(r, HEX, 32),
    "Telegram bot": lambda r: _some(r, DIGITS[1:], 10) + ":A" + "A" + _some(r, WEB, 33),
    "Discord bot": _discord,
    "Discord webhook": lambda r: "https://discord" + ".com/api/webhooks/" + _some(r, DIGITS, 18) + "/" + _some(r, WEB, 68),
    "DigitalOcean": lambda r: "do" + "p_v1_" + _some(r, HEX, 64),
    "Shopify": lambda r: "sh" + "pat_" + _some(r, HEX, 32),
    "Databricks": lambda r: "da" + "pi" + _some(r, HEX, 32),
    "Vault": lambda r: "hv" + "s." + _some(r, ALNUM, 24, 90),
    "Linear": lambda r: "lin" + "_api_" + _some(r, ALNUM, 40),
    "Notion": lambda r: "nt" + "n_" + _some(r, DIGITS, 11) + _some(r, ALNUM, 35),
    "Grafana": lambda r: "gl" + "sa_" + _some(r, ALNUM, 32) + "_" + _some(r, HEX, 8),
    "Sentry": lambda r: "snt" + "rys_" + _bytes(r, 90) + "_" + _some(r, ALNUM + "+/", 43),
    "Postman": lambda r: "PM" + "AK-" + _some(r, HEX, 24) + "-" + _some(r, HEX, 34),
    "Doppler": lambda r: "dp" + ".pt." + _some(r, ALNUM, 43),
    "Fly": lambda r: "fm" + "2_" + _bytes(r, 150),
    "Atlassian": lambda r: "ATA" + "TT3xFfGF0" + _some(r, WEB, 150, 180) + "=" + _some(r, "0123456789ABCDEF", 8),
    "Azure connection string": lambda r: "DefaultEndpointsProtocol=https;AccountName=" + _some(r, LOWER, 8)
    + ";AccountKey=" + _bytes(r, 64) + ";EndpointSuffix=core.windows.net",
    "Azure SAS": lambda r: "https://" + _some(r, LOWER, 8) + ".blob.core.windows.net/c/f?sv=2022-11-02&sr=b&sp=r&sig="
    + quote(_bytes(r, 32), safe=""),
    "JWT": _jwt,
    "age": lambda r: "AGE-SEC" + "RET-KEY-1" + _some(r, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
}  # fmt: skip

# What is part of the text and not of the secret: the rest must go.
_PUBLIC = {
    "Azure connection string": (";AccountKey=", ";EndpointSuffix"), "Azure SAS": ("&sig=", ""),
    "Slack webhook": ("/services/", ""), "Discord webhook": ("/webhooks/", ""), "Telegram bot": (":A", ""),
}  # fmt: skip


def _sentence(chance: random.Random) -> str:
    words = "river amber falcon copper meadow velvet harbor lantern pepper saddle walnut thunder".split()
    a, b = chance.sample(words, 2)
    sign = chance.choice("-_!.#$@")
    return chance.choice(
        (f"{a.title()}{sign}{b}{chance.randint(10, 9999)}", f"{a}{chance.randint(10, 999)}{sign}{b.title()}")
    )


def _generated(chance: random.Random) -> str:
    characters = ALNUM + chance.choice(("", "", "!#%*+-=?@^_~"))
    while True:
        password = _some(chance, characters, 10, 24)
        if any(c.isdigit() for c in password) and any(c.isalpha() for c in password) and password[0].isalnum():
            return password


NAMES = {
    "password": "password db_password POSTGRES_PASSWORD dbPassword admin_passwd smtp_pwd MYSQL_ROOT_PASSWORD userPassword "
    "keystore.password passphrase",
    "secret": "api_key apiKey API_KEY client_secret CLIENT_SECRET accessToken auth_token SECRET_KEY app.secret.key "
    "x-api-key secretAccessKey signing_key private_key credentials webhookSecret encryptionKey",
    "AWS": "aws_secret_access_key AWS_SECRET_ACCESS_KEY secretAccessKey",
}
VALUES: dict[str, tuple[str, Maker]] = {
    "password, generated": ("password", _generated),
    "password, of words": ("password", _sentence),
    "secret, hex": ("secret", lambda r: _some(r, HEX, r.choice((24, 32, 40, 64)))),
    "secret, base64": ("secret", lambda r: _bytes(r, r.choice((24, 32, 48, 64)))),
    "secret, base62": ("secret", lambda r: _some(r, ALNUM, 20, 44)),
    "secret, URL-safe": ("secret", lambda r: _web_bytes(r, r.choice((24, 32)))),
    "secret, UUID": ("secret", lambda r: str(uuid.UUID(int=r.getrandbits(128), version=4))),
    "secret, base32": ("secret", lambda r: _some(r, UPPER + "234567", 26, 52)),
    "AWS secret key": ("AWS", lambda r: _some(r, ALNUM + "+/", 40)),
}  # fmt: skip

# ‹N› is the name, ‹V› the value. Those for a token name nothing.
ANYWHERE = {
    "Python call": 'client = connect("‹V›", timeout=3)\n',
    "Python list": "KEYS = [\n    '‹V›',\n]\n",
    "JS template": "const header = `‹V›`;\n",
    "YAML list": "args:\n  - ‹V›\n  - --verbose\n",
    "README": "Run it like this:\n\n    $ tool login ‹V›\n",
    "comment": "# old one was ‹V› (revoked?)\n",
    "JSON array": '{"values": ["‹V›", "b"]}\n',
    "escaped in a string": 'body = "line one\\n‹V›\\nline three"\n',
    "query": "GET https://api.acme.dev/v1/items?x=1&k=‹V›&y=2\n",
    "shell": "curl -sS -H 'X-Thing: ‹V›' https://api.acme.dev/\n",
    "log": "[2024-05-01 10:00:00] sent ‹V› ok\n",
}
NAMED = {
    "Python": '‹N› = "‹V›"\n',
    "Python typed": "‹N›: str = '‹V›'\n",
    "Python dict": 'settings = {\n    "‹N›": "‹V›",\n    "debug": True,\n}\n',
    "Python keyword": 'db = connect(host="db1", ‹N›="‹V›", port=5432)\n',
    "Python default": 'x = os.environ.get("‹N›", "‹V›")\n',
    "Python subscript": 'os.environ["‹N›"] = "‹V›"\n',
    "Python comparison": 'if ‹N› == "‹V›":\n    pass\n',
    "JavaScript": "const ‹N› = '‹V›';\n",
    "JavaScript object": "module.exports = { ‹N›: '‹V›', port: 3000 };\n",
    "JavaScript fallback": "const c = { k: process.env.‹N› || '‹V›' };\n",
    "TypeScript": "private readonly ‹N›: string = '‹V›';\n",
    "JSON": '{\n  "‹N›": "‹V›",\n  "retries": 3\n}\n',
    "JSON in a string": 'payload = "{\\"‹N›\\": \\"‹V›\\"}"\n',
    "YAML": "db:\n  host: db1\n  ‹N›: ‹V›\n",
    "YAML quoted": "- ‹N›: '‹V›'\n",
    "Kubernetes": "env:\n  - name: ‹N›\n    value: ‹V›\n",
    "TOML": '[service]\n‹N› = "‹V›"\nport = 1\n',
    "INI": "[service]\n‹N› = ‹V›\nport = 1\n",
    "dotenv in a README": "Create `.env`:\n\n```\nHOST=db1\n‹N›=‹V›\n```\n",
    "shell": "export ‹N›='‹V›'\n",
    "shell bare": "export ‹N›=‹V›\n",
    "Dockerfile": "FROM scratch\nENV ‹N›=‹V›\n",
    "Dockerfile old": "FROM scratch\nENV ‹N› ‹V›\n",
    "compose": "environment:\n  - ‹N›=‹V›\n",
    "Go": '‹N› := "‹V›"\n',
    "Go struct": 'cfg := Config{\n\t‹N›: "‹V›",\n}\n',
    "Java": 'private static final String ‹N› = "‹V›";\n',
    "Java setter": 'props.setProperty("‹N›", "‹V›");\n',
    "properties": "server.port=8080\n‹N›=‹V›\n",
    "Ruby": "config[:‹N›] = '‹V›'\n",
    "Ruby hash": "{ '‹N›' => '‹V›' }\n",
    "PHP": "define('‹N›', '‹V›');\n",
    "Rust": 'const ‹N›: &str = "‹V›";\n',
    "C": 'static const char *‹N› = "‹V›";\n',
    "C#": 'var ‹N› = @"‹V›";\n',
    "Terraform": '‹N› = "‹V›"\n',
    "XML": "<‹N›>‹V›</‹N›>\n",
    "XML attribute": '<add key="‹N›" value="‹V›" />\n',
    "command line": "tool --‹N› ‹V› --verbose\n",
    "command line =": "tool --‹N›=‹V› --verbose\n",
    "open string": '‹N› = "‹V›\n',
}
SPECIAL = {
    "URL": ("postgres://app:‹V›@db1.acme.dev:5432/app\n", _generated),
    "URL in code": (
        'engine = create_engine("mysql+pymysql://root:‹V›@10.0.0.3/shop")\n',
        lambda r: _some(r, ALNUM, 8, 20),
    ),
    "URL without user": ("REDIS_URL=redis://:‹V›@cache:6379/0\n", lambda r: _some(r, ALNUM, 12, 32)),
    "URL of words": ("amqp://svc:‹V›@mq/vhost\n", lambda r: _sentence(r).replace("@", "-").replace("#", "-")),
    "Bearer": ("Authorization: Bearer ‹V›\n", lambda r: _some(r, WEB, 32, 64)),
    "Bearer in code": ('headers = {"Authorization": "Bearer ‹V›"}\n', lambda r: _some(r, HEX, 40)),
    "Basic": (
        "Authorization: Basic ‹V›\n",
        lambda r: base64.b64encode(f"{_some(r, LOWER, 6)}:{_generated(r)}".encode()).decode(),
    ),
    "API key header": ("X-Api-Key: ‹V›\n", lambda r: _some(r, ALNUM, 32)),
    "netrc": ("machine api.acme.dev login bot password ‹V›\n", _generated),
    "netrc in lines": ("machine api.acme.dev\n  login bot\n  password ‹V›\n", _generated),
    "curl user": ("curl -u bot:‹V› https://api.acme.dev/\n", _generated),
    "ADO connection string": (
        '"Server=tcp:db1,1433;Database=shop;User ID=sa;Password=‹V›;Encrypt=True;"\n',
        _generated,
    ),
    "form body": ("grant_type=password&username=bot&password=‹V›&scope=all\n", lambda r: _some(r, ALNUM, 12, 20)),
}
_LABELS = (
    "RSA PRIVATE", "PRIVATE", "EC PRIVATE", "OPENSSH PRIVATE", "ENCRYPTED PRIVATE", "DSA PRIVATE", "PGP PRIVATE",
)  # fmt: skip


def _block(chance: random.Random, *, width: int = 64, lines: int = 0) -> tuple[str, list[str], str]:
    """BEGIN line, body lines, END line."""
    label = chance.choice(_LABELS) + " KEY"
    width = 70 if "OPENSSH" in label else width
    body = _bytes(chance, chance.choice((48, 118, 600, 1190)) if not lines else lines * 48)
    parts = [body[i : i + width] for i in range(0, len(body), width)]
    label += " BLOCK" if "PGP" in label else ""
    return f"-----BEGIN {label}-----", parts, f"-----END {label}-----"


def _blocks(chance: random.Random) -> Iterator[Case]:
    begin, body, end = _block(chance)
    whole = "\n".join((begin, *body, end)) + "\n"
    longer = _block(chance, lines=20)
    code = "def before():\n    return 1\n\n\n"

    def case(place: str, text: str, pieces: list[str]) -> Case:
        return Case(
            kind="key block", place=place, text=text, pieces=tuple(pieces), cursor=chance.randrange(len(text) + 1)
        )

    yield case("file", whole, body)
    yield case("Python string", f'{code}KEY = """\\\n{whole}"""\n', body)
    yield case("YAML", "tls:\n  key: |\n" + "".join(f"    {line}\n" for line in (begin, *body, end)), body)
    yield case("JSON", '{"private_key": "' + whole.replace("\n", "\\n") + '"}\n', body)
    yield case("CRLF", whole.replace("\n", "\r\n"), body)
    yield case("Java lines", "".join(f'    "{line}\\n" +\n' for line in (begin, *body)) + f'    "{end}";\n', body)
    yield case("encrypted", f"{begin}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{_some(chance, '0123456789ABCDEF', 32)}\n\n"
               + "\n".join(body) + f"\n{end}\n", body)  # fmt: skip
    cut = chance.randint(2, 15)
    yield case("window starts within", "\n".join((*longer[1][cut:], longer[2])) + f"\n{code}", longer[1][cut:])
    yield case("window ends within", code + "\n".join((longer[0], *longer[1][:cut])) + "\n", longer[1][:cut])
    yield case("window within", "\n".join(longer[1][2:15]) + "\n", longer[1][2:15])


def cases(seed: int = 20240607, rounds: int = 8) -> list[Case]:
    """The corpus: every kind of secret in ``rounds`` different places, and every place with several kinds."""
    chance = random.Random(seed)
    found: list[Case] = []

    def add(kind: str, place: str, text: str, piece: str) -> None:
        at = text.index(piece)
        cursor = chance.choice(
            (0, len(text), at + len(piece), chance.randint(at, at + len(piece)), chance.randrange(len(text)))
        )
        around = chance.choice((("", ""), ("import os\n\n", "\n\ndef main():\n    return 0\n")))
        text, cursor = around[0] + text + around[1], cursor + len(around[0])
        found.append(Case(kind=kind, place=place, text=text, pieces=(piece,), cursor=cursor))

    for kind, make in TOKENS.items():
        for place, template in chance.sample([*ANYWHERE.items()], min(rounds, len(ANYWHERE))):
            token = make(chance)
            piece = token
            if kind in _PUBLIC:
                start, end = _PUBLIC[kind]
                piece = token[token.index(start) + len(start) : token.index(end) if end else None]
            add(kind, place, template.replace("‹V›", token), piece)
    for kind, (names, make) in VALUES.items():
        for place, template in NAMED.items():
            name, value = chance.choice(NAMES[names].split()), make(chance)
            if names != "password" or not set(value) & set("#&;,?@$!%^~*=+") or '"' in template or "'" in template:
                add(kind, place, template.replace("‹N›", name).replace("‹V›", value), value)
            else:
                value = "".join(c for c in value if c.isalnum()) + "7q"
                add(kind, place, template.replace("‹N›", name).replace("‹V›", value), value)
    for _ in range(rounds):
        for place, (template, make) in SPECIAL.items():
            value = make(chance)
            if "URL" in place:
                value = quote(value, safe="!*-_.~")
            elif place in {"ADO connection string", "curl user"}:
                value = "".join(c for c in value if c.isalnum()) + "4z"
            add(place.split(" ")[0] + " …", place, template.replace("‹V›", value), value)
        found += _blocks(chance)
    return found
