"""The entry in the completion menu: which editors have it, and how they learn of it."""

from __future__ import annotations

import string
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types
from pygls.exceptions import JsonRpcException

if TYPE_CHECKING:
    from fim_lsp.lsp.server import Server

# Helix closes its menu at each of them, and asks again only where it is a trigger character.
TRIGGERS: Final = (*string.punctuation.replace("_", ""), " ", "\t", "\n")


class Menu(Enum):
    """What the editor knows of our entry in its completion menu."""

    ABSENT = 0
    ADVERTISED = 1  # in the handshake, for good
    REGISTERED = 2  # until it is unregistered


def menu_wanted(server: Server) -> bool:
    """Whether the editor is to have the entry: always, or if it does not ask for inline completion."""
    menu = server.session.settings.menu
    return menu == "always" or (menu == "auto" and not server.has_inline)


def offer_menu(server: Server) -> None:
    """Let an editor that takes it at any time have the completion menu as the settings are now. Others get answers when
    they ask, and empty ones when they should not."""
    text = server.client_capabilities.text_document
    wanted, method = menu_wanted(server), types.TEXT_DOCUMENT_COMPLETION
    if not (text and text.completion and text.completion.dynamic_registration):
        return
    if wanted and server.menu is Menu.ABSENT:
        server.menu = Menu.REGISTERED
        options = types.CompletionRegistrationOptions(trigger_characters=list(TRIGGERS))
        registration = types.Registration(id="menu", method=method, register_options=options)
        asked = types.RegistrationParams(registrations=[registration])
        server.in_background(lambda: ignoring_refusal(server.client_register_capability_async(asked)))
    elif not wanted and server.menu is Menu.REGISTERED:
        server.menu = Menu.ABSENT
        known = types.UnregistrationParams(unregisterations=[types.Unregistration(id="menu", method=method)])
        server.in_background(lambda: ignoring_refusal(server.client_unregister_capability_async(known)))


async def ignoring_refusal(reply: Any) -> Any:
    """The editor's reply, or None if it refuses."""
    try:
        return await reply
    except JsonRpcException:
        return None
