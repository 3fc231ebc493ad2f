#!/bin/sh
# pooch 1.9.0 with requests 2.34.2: a .gz from a server that labels it "Content-Encoding: gzip".
#
# Some servers label every .gz file so. Guessed: pooch keeps the bytes of the file, whose SHA-256 is
# published, as a browser's "save as" or `curl -O` does. Seen: it keeps what is in the archive, under
# the archive's name; with the published hash the download fails, with known_hash=None nothing is
# said, and a reader that opens the .gz finds raw IDX. The same file without the label is kept as it is.
#
# Output seen on 2026-11-28:
#   without the label: kept 1f8b, hash accepted
#   with the label: kept 0000, hash refused
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check pooch==1.9.0 requests==2.34.2
cat > "$folder/seen.py" <<'PYTHON'
import gzip
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from sys import argv

import pooch

archive = gzip.compress(b"\0\0\x08\x01" + bytes(1000), mtime=0)  # IDX, as MNIST's labels


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        if "label" in self.path:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(archive)))
        self.end_headers()
        self.wfile.write(archive)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
published = hashlib.sha256(archive).hexdigest()
for title, name in (("without the label", "plain.gz"), ("with the label", "label.gz")):
    ask = {"url": f"http://127.0.0.1:{server.server_port}/{name}", "path": argv[1]}
    kept = Path(pooch.retrieve(known_hash=None, fname="a" + name, **ask)).read_bytes()
    try:
        pooch.retrieve(known_hash=published, fname="b" + name, **ask)
        said = "accepted"
    except ValueError:
        said = "refused"
    print(f"{title}: kept {kept[:2].hex()}, hash {said}")
PYTHON
seen=$("$folder/venv/bin/python" "$folder/seen.py" "$folder/files" 2>/dev/null)
echo "$seen"
[ "$seen" = "without the label: kept 1f8b, hash accepted
with the label: kept 0000, hash refused" ] || { echo "This has changed." >&2; exit 1; }
