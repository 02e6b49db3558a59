"""The page of a run for a browser on this machine, while the run goes on."""

from __future__ import annotations

import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from ptycho.report.html import NAME
from ptycho.report.live import RELOAD_S

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_log = logging.getLogger(__name__)

_LOOPBACK = "127.0.0.1"


class LiveView:
    """Serve one page on loopback, wherever it lies by now.

    A port that cannot be had is told in the log: a view is no reason to lose a run.

    Args:
        port: Where to listen; 0 for any free one.

    Attributes:
        url: Where the page is, "" where nothing is served.
        folder: Where the page lies.
    """

    def __init__(self, port: int = 0) -> None:
        self.url = ""
        self.folder: Path | None = None
        self._server: ThreadingHTTPServer | None = None
        self._final = threading.Event()
        self._over = False
        self._port = port

    def __enter__(self) -> Self:
        try:
            self._server = ThreadingHTTPServer((_LOOPBACK, self._port), self._handler())
        except OSError as error:
            _log.warning("no live view: port %d of %s: %s", self._port, _LOOPBACK, error.strerror or error)
            return self
        threading.Thread(target=self._server.serve_forever, name="live view", daemon=True).start()
        self.url = f"http://{_LOOPBACK}:{self._server.server_address[1]}/"
        _log.info("live view: %s", self.url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let an open browser fetch the page once more, then stop."""
        if self._server is None:
            return
        self._over = True
        if kind is None and self._asked:
            self._final.wait(2 * RELOAD_S)
        self._server.shutdown()
        self._server.server_close()

    _asked = False

    def page(self) -> bytes | None:
        """Read the page as it is now; None where there is none yet."""
        try:
            content = None if self.folder is None else (self.folder / NAME).read_bytes()
        except OSError:  # The folder gets its final name at this very moment; the browser asks again.
            return None
        self._asked = True
        if self._over and content is not None:
            self._final.set()
        return content

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        view = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Answer with the page; any other path or host is not here."""
                # Another site's name that leads to this address must not read the page.
                here = self.headers.get("Host", "").partition(":")[0] in {_LOOPBACK, "localhost"}
                content = view.page() if here and self.path == "/" else None
                self.send_response(200 if content else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Cache-Control", "no-store")
                if not content and here and self.path == "/":
                    self.send_header("Refresh", str(RELOAD_S))
                self.end_headers()
                self.wfile.write(content or b"nothing to see yet\n")

            def log_message(self, *_arguments: Any) -> None:
                """Say nothing: standard error belongs to the run."""

        return Handler
