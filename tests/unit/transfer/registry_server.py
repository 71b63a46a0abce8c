#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A registry on the loopback interface that serves a directory of blobs, and misbehaves as it is told.

registry_server.py DIRECTORY WORD...   prints its port; ends when its input does
  DIRECTORY/manifest             what a tag means
  DIRECTORY/blobs/sha256/...     blobs and manifests by digest
  token, basic                   wants a proof of rights: user "web", password "secret"
  redirect                       sends to another place for blobs, which must not see the proof
  short                          ends in the midst of each blob, the first time
  trouble                        answers 503 the first time
  endless                        sends more than there is
  wrong                          sends other bytes than the blob has
  outwards                       sends for tokens to a host elsewhere
Each request is a line of DIRECTORY/log.
"""

import base64
import http.server
import pathlib
import sys
import threading

place = pathlib.Path(sys.argv[1])
words = set(sys.argv[2:])
seen = set()
secret = "Basic " + base64.b64encode(b"web:secret").decode()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, headers, body=b""):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def here(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def is_allowed(self):
        proof = self.headers.get("Authorization", "")
        if "token" in words and proof != "Bearer given":
            realm = "http://192.0.2.1/token" if "outwards" in words else self.here() + "/token"
            self.answer(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="test"'})
        elif "basic" in words and proof != secret:
            self.answer(401, {"WWW-Authenticate": 'Basic realm="test"'})
        else:
            return True
        return False

    def send_file(self, file, is_blob):
        if not file.is_file():
            return self.answer(404, {})
        body = file.read_bytes()
        if "trouble" in words and self.path not in seen:
            seen.add(self.path)
            return self.answer(503, {})
        begin = 0
        status = 200
        asked = self.headers.get("Range")
        if asked and asked.startswith("bytes="):
            begin = int(asked[6:].split("-")[0])
            status = 206
        if "wrong" in words and is_blob:
            body = bytes(len(body))
        if "endless" in words:
            body = body + b" " * (8 << 20)
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - begin))
        self.end_headers()
        part = body[begin:]
        if "short" in words and is_blob and self.path not in seen:
            seen.add(self.path)
            part = part[: len(part) // 2]
            self.close_connection = True
        self.wfile.write(part)

    def do_GET(self):
        with (place / "log").open("a") as log:
            log.write(f"{self.path} {self.headers.get('Authorization', '-')} {self.headers.get('Range', '-')}\n")
        if self.path.startswith("/token"):
            if self.headers.get("Authorization") != secret:
                return self.answer(401, {})
            return self.answer(200, {}, b'{"token": "given"}')
        if self.path.startswith("/elsewhere/"):
            return self.send_file(place / "blobs/sha256" / self.path.rsplit(":", 1)[1], True)
        if not self.is_allowed():
            return None
        kind, what = self.path.split("/")[-2:]
        if kind == "manifests" and not what.startswith("sha256:"):
            return self.send_file(place / "manifest", False)
        if "redirect" in words and kind == "blobs":
            other = f"http://localhost:{self.server.server_address[1]}/elsewhere/{what}"
            return self.answer(307, {"Location": other})
        return self.send_file(place / "blobs/sha256" / what.split(":")[1], kind == "blobs")


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # who asked went away


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
