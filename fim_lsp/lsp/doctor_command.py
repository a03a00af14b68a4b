"""``fim-lsp.doctor``: the checks of ``fim-lsp doctor``, with the settings, workspace and back ends of this connection."""

from __future__ import annotations

from typing import Any

from fim_lsp.lsp.server import Server
from fim_lsp.lsp.status import document_of, in_one_line, option

DOCTOR_COMMAND = "fim-lsp.doctor"
_MAX_SHOWN = 3  # problems in a message, which is not a list


async def doctor(server: Server, *arguments: Any) -> dict[str, Any]:
    """Run all checks, one run at a time; other requests are answered meanwhile.

    The argument may be an object: ``uri`` of a document to judge, ``call``: false for no completion, ``offline``: true to
    contact no other machine, ``quiet``: true to show nothing. Returns ``{"ok", "lines", "checks"}``.
    """
    from fim_lsp.doctor.check import State, to_json  # the server should not wait for them when it starts
    from fim_lsp.doctor.examination import run_checks
    from fim_lsp.doctor.live import subject_of_session

    options = arguments[0] if arguments else None
    async with server.doctor_lock:
        subject = await subject_of_session(
            server.session,
            uri=document_of(options),
            offline=option(options, "offline") is True,
            complete=option(options, "call") is not False,
        )
        checks = [check async for check in run_checks(subject)]
    report = to_json(checks)
    if option(options, "quiet") is not True:
        failures = [row for row in report["checks"] if row["state"] == State.ERROR] or [
            row for row in report["checks"] if row["state"] == State.WARNING
        ]
        shown = [f"{row['message']} → {row['remedy']}" for row in failures[:_MAX_SHOWN]]
        server.show_info(in_one_line([f"fim-lsp doctor: {report['lines'][-1]}", *shown]))
    return report
