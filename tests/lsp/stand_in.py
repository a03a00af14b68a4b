"""Has a server forked, and takes the place of its process; see ``forking.py``. Imports little: every test that starts a server
runs it."""

import marshal
import os
import signal
import socket
import sys


def run(address: str, also: str, arguments: list[str]) -> int:
    """Have a server forked, relay signals to it, and end as it ends."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        body = marshal.dumps((also, arguments, dict(os.environ), os.getcwd()))
        socket.send_fds(connection, [b"%d\n%b" % (len(body), body)], [0, 1, 2])
        answers = connection.makefile()
        server = int(answers.readline())

        def relay(number: int, _: object) -> None:
            try:  # noqa: SIM105 - contextlib takes longer to import than all of this takes to run
                os.kill(server, number)
            except ProcessLookupError:
                pass

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            signal.signal(number, relay)
        for stream in (0, 1, 2):
            os.close(stream)
        code = int(answers.readline())
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    os._exit(run(sys.argv[1], sys.argv[2], sys.argv[3:]))
