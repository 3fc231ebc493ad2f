#!/bin/sh
# numpy 2.4.6 with ml_dtypes 0.5.4: features in the small types of JAX, through .npy.
#
# Guessed: what numpy saves comes back as it was where ml_dtypes is imported, or else as bytes, alike
# for all of these types. Seen: saving never complains. bfloat16 comes back as "V2", two bytes without
# a meaning, float8_e4m3fn and int4 as "V1", which of them it was being written nowhere. But
# float8_e5m2 is written as "<f1", a type that numpy does not have, and what was saved cannot be loaded
# at all, not even as bytes: the header has to be read as text, and the numbers after it be viewed.
#
# Output seen on 2026-11-30: that at the end of this file.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 ml_dtypes==0.5.4
"$folder/venv/bin/python" - "$folder" > "$folder/seen" <<'PYTHON'
import ast
import sys

import ml_dtypes
import numpy as np

for name in ("bfloat16", "float8_e4m3fn", "float8_e5m2", "int4"):
    kind = getattr(ml_dtypes, name)
    given = np.array([0, 1, 2, 3]).astype(kind)
    path = f"{sys.argv[1]}/features.npy"
    np.save(path, given)
    with open(path, "rb") as file:
        file.seek(10)
        header = ast.literal_eval(file.readline().decode().strip())
    try:
        loaded = np.load(path)
        again = "the same" if (loaded.view(kind) == given).all() else "another"
        print(f"{name}: saved as {header['descr']}, loaded as {loaded.dtype.str}, viewed {again}")
    except ValueError as error:
        print(f"{name}: saved as {header['descr']}, not loaded: {error}")
PYTHON
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
bfloat16: saved as <V2, loaded as |V2, viewed the same
float8_e4m3fn: saved as <V1, loaded as |V1, viewed the same
float8_e5m2: saved as <f1, not loaded: descr is not a valid dtype descriptor: '<f1'
int4: saved as <V1, loaded as |V1, viewed the same
SEEN
