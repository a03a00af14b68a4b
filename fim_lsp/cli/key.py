"""``fim-lsp key set|test|show|remove HOST``: keeps API keys, each for one host. No key is ever printed."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from fim_lsp.backends.codestral import API_HOSTS
from fim_lsp.backends.credentials import HOST_VARIABLES, KeyPlace, KeySource, key_places
from fim_lsp.backends.factory import first_name
from fim_lsp.backends.key_host import (
    host_label,
    is_unencrypted,
    origin_of_settings,
    origins_used,
    parse_host,
    profile_at,
)
from fim_lsp.backends.key_store import KeyStore, Origin, key_set_command
from fim_lsp.cli.key_input import ask_key
from fim_lsp.cli.output import answer, say
from fim_lsp.errors import KeyStoreError, UsageError
from fim_lsp.http.urls import origin_of
from fim_lsp.settings.loader import SettingsLoader

if TYPE_CHECKING:
    from fim_lsp.doctor.key_check import Verdict
    from fim_lsp.secret import Secret

_HOST_HELP: Final = "a back end (codestral), a host (codestral.mistral.ai), or an address (https://llm.example:8443)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the four actions."""
    parser.description = (
        "Keep an API key in the system's keyring (pip install 'fim-lsp[keyring]') or else in a file that only you can read. "
        "It is sent to its own host only, and used if neither a setting nor an environment variable has a key for that host."
    )
    actions = parser.add_subparsers(dest="action", metavar="set|test|show|remove", required=True)
    set_ = actions.add_parser(
        "set",
        help="store a key, typed without echo or read from standard input",
        description="Store a key. It is asked for without echo, or read from standard input, as in "
        "`pass show codestral | fim-lsp key set codestral`. Then it is tested with a small completion, which costs about 40 "
        "tokens. Exits with 0 if the host accepts it, 1 if it does not, or if the key could not be stored or tested, 2 for "
        "a mistake.",
    )
    set_.add_argument("host", metavar="HOST", help=_HOST_HELP)
    set_.add_argument("not_here", nargs="*", default=[], help=argparse.SUPPRESS)
    set_.add_argument("--file", action="store_true", help="keep it in the file, even if there is a keyring")
    set_.add_argument("--no-test", action="store_true", help="contact no other machine; exits with 0 if it is stored")
    test = actions.add_parser(
        "test",
        help="ask a host whether it accepts its key",
        description="Make a small completion, which costs about 40 tokens, with the key that is used for HOST. Exits with 0 "
        "if the host accepts it, 1 if not, 2 for a mistake.",
    )
    test.add_argument("host", metavar="HOST", help=_HOST_HELP)
    test.add_argument(
        "given", metavar="-", nargs="?", choices=["-"], help="the key is read from standard input instead"
    )
    show = actions.add_parser(
        "show",
        help="say where the key for a host comes from, or for all hosts",
        description="Say where the key for HOST comes from, and what it overrides; never the key itself. Exits with 0 if "
        "there is a key, 1 if not, 2 for a mistake.",
    )
    show.add_argument("host", metavar="HOST", nargs="?", help=f"{_HOST_HELP}; all if left out")
    remove = actions.add_parser(
        "remove",
        help="forget a stored key",
        description="Forget a stored key. Exits with 0 if it was removed, 1 if not, 2 for a mistake.",
    )
    remove.add_argument("host", metavar="HOST", help=_HOST_HELP)


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Do one action."""
    if getattr(arguments, "not_here", None):
        raise UsageError(
            "a key is not taken from the command line, where other programs and your shell's history see it: leave it out "
            f"and type it when asked, or pipe it: … | fim-lsp key set {arguments.host}"
        )
    keys = Keys(environment)
    try:
        match arguments.action:
            case "set":
                return keys.set(arguments.host, use_keyring=not arguments.file, test=not arguments.no_test)
            case "test":
                return keys.test(arguments.host, given=arguments.given is not None)
            case "remove":
                return keys.remove(arguments.host)
        return keys.show(arguments.host)
    except KeyStoreError as error:
        say(str(error))
        return 1


class Keys:
    """The keys that apply in this environment, with the user's own settings; no project's can bring one."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._store = KeyStore.of_user(environment)
        self._loader = SettingsLoader(environment, lambda _problems: None)
        self._settings = self._loader.start((), None)

    def set(self, host: str, *, use_keyring: bool, test: bool) -> int:
        """Store a key that is asked for, and ``test`` it."""
        origin = parse_host(host)
        if is_unencrypted(origin):
            say(f"a key for {host_label(origin)} travels unencrypted: whoever is on the way can read it")
        key = ask_key(host_label(origin))
        entry, note = self._store.save(origin, key, use_keyring=use_keyring)
        if note:
            say(note)
        where = "the system's keyring" if entry.place == "keyring" else str(self._store.file)
        answer(f"The key for {host_label(origin)} is in {where}.")
        hindrance = self._hindrance(origin)
        if hindrance:
            say(f"it is not used yet{hindrance}")
        verdict = self._verdict(origin, KeySource("://".join(origin), store=self._store)) if test else None
        if verdict and not verdict.is_accepted:
            say(f"it is stored, but {verdict.sentence}")
            return 1
        if verdict:
            answer(f"{verdict.sentence}{'' if hindrance else '; running editors use it from their next request on'}.")
        elif not hindrance:
            answer("Running editors use it from their next request on.")
        return 0

    def test(self, host: str, *, given: bool) -> int:
        """Ask a host whether it accepts its key, or one that is ``given`` on standard input."""
        origin = parse_host(host)
        address = "://".join(origin)
        if given:
            keys = KeySource(address, api_key=ask_key(host_label(origin)), given_in="standard input")
        else:
            api_key, command = self._set_for(origin)
            keys = KeySource(address, api_key=api_key, command=command, env=self._environment, store=self._store)
            if keys.place is None:
                say(
                    self._store.problem or f"there is no key for {host_label(origin)}: run `{key_set_command(address)}`"
                )
                return 1
        verdict = self._verdict(origin, keys)
        if not verdict.is_accepted:
            say(f"the key from {keys.place}: {verdict.sentence}")
            return 1
        answer(f"The key from {keys.place}: {verdict.sentence}.")
        return 0

    def _verdict(self, origin: Origin, keys: KeySource) -> Verdict:
        """What the host says about its key."""
        from fim_lsp.backends.http_backend import HttpBackend  # with what it imports, only this needs it
        from fim_lsp.backends.openai import openai
        from fim_lsp.doctor.choice import describe_server
        from fim_lsp.doctor.key_check import Verdict, check_key

        if damage := self._damage():
            return Verdict(is_accepted=False, sentence=f"it was not tested: {damage[0]}")
        known = profile_at(origin, self._settings, self._environment, self._store)
        profile = known or openai("://".join(origin))
        effective = self._loader.effective()

        async def check() -> Verdict:
            backend = HttpBackend(profile, keys=keys, timeout=self._settings.timeout)
            server = describe_server(
                backend,
                self._environment,
                key_origins=effective["api_key"].origins,
                model_origins=effective["model"].origins,
                temperature=self._settings.temperature,
            )
            try:
                return await check_key(backend, server, complete=known is not None)
            finally:
                await backend.close()

        return asyncio.run(check())

    def remove(self, host: str) -> int:
        """Forget a stored key."""
        origin = parse_host(host)
        entry = self._store.entries().get(origin)
        if entry is None:
            raise KeyStoreError(
                self._store.problem or f"no key for {host_label(origin)} is stored{self._still(origin)}"
            )
        where = "the system's keyring" if entry.place == "keyring" else str(self._store.file)
        note = self._store.remove(entry)
        if note:
            say(note)
            return 1
        answer(f"The key for {host_label(origin)} was removed from {where}{self._still(origin)}.")
        return 0

    def show(self, host: str | None) -> int:
        """Say where the key for a host comes from, or for all that have one."""
        origins = self._origins() if host is None else [parse_host(host)]
        found = [self._show(origin) for origin in origins]
        for problem in dict.fromkeys((*self._damage(), self._store.problem, *map(self._failure, origins))):
            if problem:
                say(problem)
        if not origins:
            answer("There is no key. Store one with `fim-lsp key set HOST`, such as `fim-lsp key set codestral`.")
        return 0 if any(found) and not self._loader.failed_closed else 1

    def _show(self, origin: Origin) -> bool:
        """Print the places of one host's key, the one that is used first. Returns whether it can be used."""
        label, places = host_label(origin), self._places(origin)
        if not places:
            answer(f"{label}: no key. Run `{key_set_command('://'.join(origin))}`{self._or_variable(origin)}.")
            return False
        first, *others = (self._described(place, origin) for place in places)
        answer(f"{label}: {first}")
        for other in others:
            answer(f"{' ' * len(label)}  not used: {other}")
        return not self._failure(origin)

    def _failure(self, origin: Origin) -> str:
        """Why the key in the file can't be read. A keyring is not asked, because that may open a dialog."""
        places = self._places(origin)
        if not places or places[0].kind != "file":
            return ""
        try:
            self._store.read(self._store.entries()[origin])
        except KeyStoreError as error:
            return str(error)
        return ""

    def _origins(self) -> list[Origin]:
        """Every host with a key, known ones first."""
        known = [("https", host) for host in HOST_VARIABLES]
        of_settings = origin_of_settings(self._settings, self._environment, self._store)
        candidates = dict.fromkeys([*known, *([of_settings] if of_settings else []), *self._store.entries()])
        return [origin for origin in candidates if self._places(origin)]

    def _places(self, origin: Origin) -> tuple[KeyPlace, ...]:
        """Where keys for a host come from, the one that is used first."""
        api_key, command = self._set_for(origin)
        return key_places(
            "://".join(origin), api_key=api_key, command=command, env=self._environment, store=self._store
        )

    def _set_for(self, origin: Origin) -> tuple[Secret | None, tuple[str, ...] | None]:
        """The settings api_key and api_key_command, if they are for this host."""
        if origin != origin_of_settings(self._settings, self._environment, self._store):
            return None, None
        return self._settings.api_key, self._settings.api_key_command

    def _described(self, place: KeyPlace, origin: Origin) -> str:
        match place.kind:
            case "setting" | "command":
                name = "api_key" if place.kind == "setting" else "api_key_command"
                return f"the setting {name} in {', '.join(self._loader.effective()[name].origins)}"
            case "variable":
                return f"{place} (in this terminal; your editor may have another environment)"
        stored = self._store.entries()[origin].since[:10]
        return f"{place}{f', stored on {stored}' if stored else ''}"

    def _or_variable(self, origin: Origin) -> str:
        variable = HOST_VARIABLES.get(origin[1]) if origin[0] == "https" else None
        return f", or set {variable}" if variable else ""

    def _still(self, origin: Origin) -> str:
        """What is used now that there is no stored key."""
        places = self._places(origin)
        return f"; still used: {self._described(places[0], origin)}" if places else ""

    def _hindrance(self, origin: Origin) -> str:
        """What keeps a stored key from being used, to follow "it is not used yet"; ``""`` if nothing does."""
        if damage := self._damage():
            return f": {damage[0]}"
        first_place = next(iter(self._places(origin)), None)
        if first_place and first_place.kind not in ("keyring", "file"):
            return f", because {self._described(first_place, origin)} comes first"
        if origin in origins_used(self._settings, self._environment, self._store):
            return ""
        first = first_name(self._settings, self._environment, {}, self._store)
        name = next((name for name, host in API_HOSTS.items() if origin_of(host.base_url) == origin), "")
        remedy = f'backend = "{name}"' if name else f'base_url = "{"://".join(origin)}", and `backend`,'
        return f", because your settings use {first}: set {remedy} in config.toml to use {host_label(origin)}"

    def _damage(self) -> list[str]:
        if not self._loader.failed_closed:
            return []
        return [problem.message for problem in self._loader.effective().problems]
