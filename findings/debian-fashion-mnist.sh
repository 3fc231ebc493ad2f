#!/bin/sh
# Debian's dataset-fashion-mnist 0.0~git20200523.55506a9-1 beside the published Fashion-MNIST.
#
# Guessed: the archives that Debian ships are the published ones, so that loaders which check the
# published SHA-256 (or MD5) take them. Seen: none of their hashes is the published one, though they hold the
# same IDX files: each archive was packed once more when the package was made, without the file's name
# and with the time of the package's change log in its header, so that it is shorter than the published
# one by the length of that name and its zero byte. A hash of what is in the archive tells what a hash
# of the archive cannot.
#
# Output seen on 2026-11-28:
#   t10k-labels-idx1-ubyte.gz: archive differs, 23 bytes shorter, no name, 2020-06-05, content the same
#   train-labels-idx1-ubyte.gz: archive differs, 24 bytes shorter, no name, 2020-06-05, content the same
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
chmod 755 .
apt-get download -qq dataset-fashion-mnist=0.0~git20200523.55506a9-1
dpkg -x dataset-fashion-mnist_*.deb .
cat > seen.py <<'PYTHON'
import gzip
import hashlib
from datetime import UTC, datetime
from pathlib import Path

# Published: SHA-256 of the archive, its bytes, and SHA-256 of the IDX file in it.
PUBLISHED = {
    "t10k-labels-idx1-ubyte.gz": (
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148,
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    "train-labels-idx1-ubyte.gz": (
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515,
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    ),
}
for name, (of_archive, size, of_content) in PUBLISHED.items():
    (path,) = Path("usr").rglob(name)
    archive = path.read_bytes()
    archive_is = hashlib.sha256(archive).hexdigest() == of_archive
    content_is = hashlib.sha256(gzip.decompress(archive)).hexdigest() == of_content
    time = datetime.fromtimestamp(int.from_bytes(archive[4:8], "little"), UTC)
    print(
        f"{name}: archive {'the same' if archive_is else 'differs'}, "
        f"{size - len(archive)} bytes shorter, {'a' if archive[3] & 8 else 'no'} name, "
        f"{time:%Y-%m-%d}, content {'the same' if content_is else 'differs'}"
    )
PYTHON
seen=$(python3 seen.py)
echo "$seen"
[ "$seen" = "t10k-labels-idx1-ubyte.gz: archive differs, 23 bytes shorter, no name, 2020-06-05, content the same
train-labels-idx1-ubyte.gz: archive differs, 24 bytes shorter, no name, 2020-06-05, content the same" ] || {
    echo "This has changed." >&2
    exit 1
}
