#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A web server that behaves, or does not, as the first part of the path says. Serves files of a directory on a port of
the loopback interface, which it prints.

/plain/FILE      with an ETag, knows ranges
/cut/FILE        the first answer to each file breaks off in the middle
/changes/FILE    the same, and the ETag is another one each time
/nameless/FILE   always breaks off, and has no ETag
/slow/FILE       a piece every tenth of a second
/stall/FILE      a few bytes, and then nothing
/endless/FILE    has no end
/redirect/N/...  sends to N - 1, then to /plain/
/elsewhere/...   sends to another scheme
/away/FILE?URL   sends to that URL

With a file of certificate and key as the second argument it speaks TLS."""

import hashlib
import http.server
import os
import ssl
import sys
import time

directory = sys.argv[1]
seen = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        with open(os.path.join(directory, "log"), "a", encoding="utf-8") as log:
            log.write(self.path + " " + self.headers.get("Range", "-") + "\n")

    def send_elsewhere(self, place):
        self.send_response(302)
        self.send_header("Location", place)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        _, manner, *rest = self.path.split("/")
        if manner == "redirect":
            number = int(rest[0])
            there = f"/redirect/{number - 1}/" if number > 1 else "/plain/"
            return self.send_elsewhere(there + "/".join(rest[1:]))
        if manner == "elsewhere":
            return self.send_elsewhere("file:///etc/passwd")
        if manner == "away":
            return self.send_elsewhere(self.path.split("?", 1)[1])
        path = os.path.join(directory, os.path.basename(rest[-1].split("?")[0]))
        if not os.path.isfile(path):
            self.send_response(404)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        with open(path, "rb") as file:
            contents = file.read()
        count = seen[self.path] = seen.get(self.path, 0) + 1
        self.answer(manner, contents, count)

    def answer(self, manner, contents, count):
        etag = '"' + hashlib.sha256(contents).hexdigest()[:16] + (str(count) if manner == "changes" else "") + '"'
        if self.headers.get("If-None-Match", "").find(etag) >= 0:
            self.send_response(304)
            self.send_header("ETag", etag)
            return self.end_headers()
        begin = 0
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes=") and self.headers.get("If-Range", etag) == etag and manner != "nameless":
            begin = int(wanted[6:].split("-")[0])
        self.send_response(206 if begin else 200)
        if manner != "nameless":
            self.send_header("ETag", etag)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(contents) - 1}/{len(contents)}")
        contents = contents[begin:]
        if manner != "endless":
            self.send_header("Content-Length", str(len(contents)))
        self.end_headers()
        self.send_contents(manner, contents, count)

    def send_contents(self, manner, contents, count):
        if (manner in ("cut", "changes") and count == 1) or manner == "nameless":
            self.wfile.write(contents[:len(contents) // 2])
            self.wfile.flush()
            self.close_connection = True
        elif manner == "slow":
            step = max(1, len(contents) // 15)
            for at in range(0, len(contents), step):
                self.wfile.write(contents[at:at + step])
                self.wfile.flush()
                time.sleep(0.1)
        elif manner == "stall":
            self.wfile.write(contents[:10])
            self.wfile.flush()
            time.sleep(60)
        elif manner == "endless":
            try:
                while True:
                    self.wfile.write(bytes(1 << 20))
            except OSError:
                self.close_connection = True
        else:
            self.wfile.write(contents)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
