"""The site on this machine, over HTTP."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from octlessons.errors import OctlessonsError
from octlessons.images.sources import resolve_data
from octlessons.site.building import build, summary
from octlessons.site.checkout import find_root, place_of
from octlessons.site.freshness import is_current


def serve(
    data: str = "phantoms",
    *,
    seed: int = 0,
    port: int = 8000,
    root: Path | None = None,
    tell: Callable[[str], None] = print,
) -> None:
    """Serve the site on this machine until interrupted; build it first if there is none.

    Parameters
    ----------
    data : str
        Which site, by its data.
    seed : int
        And by its draw of phantoms.
    port : int
        Where to listen; the next free one of the following 20 if it is taken.
    root : Path, optional
    tell : callable

    Raises
    ------
    OctlessonsError
        If no port is free, there is no such port, or the build fails.
    """
    _check_port(port)
    root = (root or find_root()).resolve()
    source = resolve_data(data, seed)
    _, site = place_of(root, source, [])
    if not (site / "index.html").is_file():
        tell("There is no site yet: building it first.")
        tell(summary(build(data, seed=seed, root=root, tell=tell)))
    elif not is_current(site, root, source):
        tell("The site is older than its sources; 'octlessons build' renews it.")
    with open_server(site, port) as server:
        tell(f"The course is at http://127.0.0.1:{server.server_address[1]}/ (Ctrl+C ends it).")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            tell("Ended.")


def _check_port(port: int) -> None:
    if not 0 <= port <= 65535:
        raise OctlessonsError(
            f"There is no port {port}: ports go from 0 (any free one) to 65535. For example: "
            "octlessons serve --port 9000"
        )


def open_server(site: Path, port: int = 8000, tries: int = 20):
    """Open an HTTP server for a folder, on this machine only.

    Parameters
    ----------
    site : Path
    port : int
        The first port to try; 0 takes any free one.
    tries : int
        How many ports to try.

    Returns
    -------
    http.server.ThreadingHTTPServer
        Listening, not yet serving.

    Raises
    ------
    OctlessonsError
        If none of the ports is free, or there is no such port.
    """
    _check_port(port)
    from functools import partial
    from http.server import ThreadingHTTPServer

    class Server(ThreadingHTTPServer):
        allow_reuse_address = os.name != "nt"
        daemon_threads = True

    handler = partial(_handler(), directory=str(site))
    for number in range(port, min(port + tries, 65536)) if port else [0]:
        try:
            return Server(("127.0.0.1", number), handler)
        except OSError:
            continue
    raise OctlessonsError(
        f"The ports from {port} to {min(port + tries, 65536) - 1} are all taken. Choose another, "
        "for example: octlessons serve --port 9000"
    )


def _handler():
    """Answers requests quietly, and with the site's own page where nothing is found."""
    from http.server import SimpleHTTPRequestHandler

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            """Say nothing about each request."""

        def send_error(self, code: int, message=None, explain=None) -> None:
            lost = Path(self.directory) / "404.html"
            if code != 404 or not lost.is_file():
                super().send_error(code, message, explain)
                return
            content = lost.read_bytes()
            self.send_response(404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def end_headers(self) -> None:
            self.send_header("Cache-Control", "no-cache")
            super().end_headers()

    return Handler
