"""What must not be sent is not, whatever the editor calls it, and no message contains a password."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.codestral import FakeCodestral
from tests.lsp.raw_client import RawClient, texts

EXCLUDED = (
    "file:///ws/.env", "git:/ws/.env?%7B%7D", "vscode-remote://ssh-remote%2Bh/ws/.env", "fugitive:///ws/.git//0/.env",
    "untitled:.env", "FILE:///ws/.env", "file:///ws/.ENV", "file:///ws/id_rsa.bak",
)  # fmt: skip

WORDS = "class ShoppingCart:\n    hunter_two = ShoppingCart\n    def add_article(self, hunter_two):\n        pass\n"


def settings(server: FakeCodestral, **more: object) -> dict[str, object]:
    return {"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0, "fallback": [], **more}


async def test_an_excluded_file_is_not_sent_by_any_uri(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KEY=1\n")
    (tmp_path / "settings.txt").symlink_to(".env")
    async with FakeCodestral(lambda body: "x") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server), root=tmp_path)
        for uri in (*EXCLUDED, (tmp_path / "settings.txt").as_uri()):
            client.open("KEY=1\n", uri=uri, language="dotenv")
            assert texts(await client.reply(client.ask(1, 0, uri=uri))) == [], uri
            assert server.requests == [], uri
        client.open("a = 1\n", uri="untitled:Untitled-1")
        assert texts(await client.reply(client.ask(1, 0, uri="untitled:Untitled-1"))) == ["x"]
    assert "KEY" not in client.log


async def test_no_other_spelling_of_a_path_sends_an_excluded_file(tmp_path: Path) -> None:
    """Of one that is there: links, ``..``, escapes, case, an address in the query; on the way out, and as context."""
    project = tmp_path / "project"
    (project / "private").mkdir(parents=True)
    (project / "private/cart.py").write_text(WORDS)
    (project / "linked").symlink_to("private")
    (project / "cart.py").symlink_to("private/cart.py")
    (tmp_path / "other").symlink_to(project)
    root, other = project.as_uri(), (tmp_path / "other").as_uri()
    spellings = (
        f"{root}/private/cart.py", f"{root}/linked/cart.py", f"{root}/cart.py", f"{other}/private/cart.py", f"{other}/cart.py",
        f"{root}/a/../private/cart.py", f"{root}/./private//cart.py", f"{root}/%70rivate/cart%2Epy", f"{root}/PRIVATE/cart.py",
        f"{root}/private/cart.py?x#y", f"git:{project}/private/cart.py?%7B%7D", f"view:x?path={project}/private/cart.py",
        f"vscode-notebook-cell:{project}/private/cart.py#W0", "untitled:private/cart.py", str(project / "private/cart.py"),
    )  # fmt: skip
    async with FakeCodestral(lambda body: "x") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server, exclude=["private/"]), root=project)
        for uri in spellings:
            client.open(WORDS, uri=uri)
            assert texts(await client.reply(client.ask(1, 0, uri=uri, kind=1))) == [], uri
        assert server.requests == []
        uri = f"{root}/main.py"
        client.open("from cart import ShoppingCart\ncart = ShoppingCart()\ncart.", uri=uri)
        assert texts(await client.reply(client.ask(2, 5, uri=uri, kind=1))) == ["x"]
        assert "hunter_two" not in str([request.body for request in server.requests])
    assert "hunter_two" not in client.log


async def test_a_name_from_a_project_is_no_link_in_a_message(tmp_path: Path) -> None:
    """VS Code would run the command of such a link when it is clicked."""
    link = "[repair](command:x)"
    (tmp_path / ".fim-lsp.toml").write_text(f'"{link}" = 1\nmultiline = "{link}"\n')
    async with RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "ngram"}, root=tmp_path)
        await client.until(lambda: len(client.messages()) == 2)
        shown = "".join(client.messages())
    assert shown.count("repair") == 2
    assert "](" not in shown


async def test_an_excluded_file_is_learnt_by_no_model(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "ngram", "debounce": 0})
        client.open("hunter_two = secret_value\n" * 20, uri="git:/ws/.env")
        client.open("hunter_", uri="file:///ws/a.py")
        assert texts(await client.reply(client.ask(0, 7, uri="file:///ws/a.py"))) == []


async def test_a_refused_address_keeps_its_password(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(
            options={"base_url": "https://me:hunter2@h", "backend": "codestral", "model": {"k": "sk-1"}}
        )
        client.open("a\n")
        await client.reply(client.ask(0, 0))
        told = "".join(client.messages())
    assert "base_url" in told
    assert "hunter2" not in told + client.log
    assert "sk-1" not in told + client.log


async def test_a_local_only_file_reaches_no_other_machine(tmp_path: Path) -> None:
    """Neither its text nor a word of it as context; the message to the user says nothing, the editor gets an empty list."""
    (tmp_path / "secret").mkdir()
    async with RawClient(tmp_path) as client:
        options = {
            "backend": "codestral", "base_url": "https://fim.invalid", "api_key": "k", "debounce": 0, "fallback": [],
            "local_only": ["secret/"],
        }  # fmt: skip
        await client.initialize(options=options, root=tmp_path)
        uri = (tmp_path / "secret/a.py").as_uri()
        client.open("def area(width, height):\n    return width * \n", uri=uri)
        assert texts(await client.reply(client.ask(1, 19, uri=uri, kind=1))) == []
        assert client.messages() == []
