"""git's own HTTP server on 127.0.0.1."""

from __future__ import annotations

import base64
import os
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

from support.git import run_git

if TYPE_CHECKING:
    from pathlib import Path


class GitServer:
    """Serves bare repositories by ``git http-backend``, to whoever brings the token, if any.

    With a `certificate` (``key.pem`` is beside it) it speaks TLS.
    """

    def __init__(self, folder: Path, token: str = "", certificate: Path | None = None) -> None:
        self.asked: list[str] = []
        outer = self
        program = run_git(folder, "--exec-path").strip() + "/git-http-backend"

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def _serve(self) -> None:
                header = self.headers.get("Authorization", "")
                outer.asked.append(header)
                wanted = base64.b64encode(f"x-access-token:{token}".encode()).decode()
                if token and not header.endswith(wanted):
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="git"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                path, _, query = self.path.partition("?")
                variables = {
                    "PATH": os.environ["PATH"],
                    "GIT_PROJECT_ROOT": str(folder),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "REMOTE_USER": "ada",
                    "PATH_INFO": path,
                    "QUERY_STRING": query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                }
                if "Git-Protocol" in self.headers:
                    variables["GIT_PROTOCOL"] = self.headers["Git-Protocol"]
                if "Content-Encoding" in self.headers:
                    variables["HTTP_CONTENT_ENCODING"] = self.headers["Content-Encoding"]
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                out = subprocess.run(
                    [program], input=body, env=variables, capture_output=True, check=True
                ).stdout
                head, _, answer = out.partition(b"\r\n\r\n")
                fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
                self.send_response(int(fields.pop("Status", "200").split()[0]))
                for name, value in {**fields, "Content-Length": str(len(answer))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._scheme = "http"
        if certificate is not None:
            self._scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, certificate.with_name("key.pem"))
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}/origin.git"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
