"""A local server that misbehaves, for the tests of downloads."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """Serves one file at any address, as badly as the test asks for."""

    def __init__(self, body: bytes):
        self.body = body
        self.ranges = True  # honour Range headers
        self.drop_after = None  # bytes after which the connection is closed …
        self.drops = 0  # … this many times
        self.length = True  # send Content-Length
        self.pause = 0.0  # between chunks
        self.status = []  # to answer first, one after the other
        self.kind = "application/octet-stream"
        self.requests = []  # Range header of every request
        self.paths = []
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/files"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, handler):
        asked = handler.headers.get("Range")
        with self.lock:
            self.requests.append(asked)
            self.paths.append(handler.path)
            status = self.status.pop(0) if self.status else None
            drop = self.drop_after if self.drops else None
            self.drops = max(0, self.drops - 1)
        handler.close_connection = True
        if status:
            handler.send_response(status)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.ranges else 0
        if start and start >= len(self.body):
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(self.body)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        body = self.body[start:]
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Type", self.kind)
        if start:
            end = len(self.body)
            handler.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        if self.length:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        body = body if drop is None else body[:drop]
        step = len(body) if not self.pause else len(body) // 8
        for i in range(0, len(body), max(1, step)):
            handler.wfile.write(body[i : i + step])
            time.sleep(self.pause)
