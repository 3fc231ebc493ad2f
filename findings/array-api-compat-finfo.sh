#!/bin/sh
# array-api-compat 1.16.0 with numpy 2.4.6: finfo of a dtype that is no floating point one.
#
# The precision of an array is asked for as finfo(x.dtype), and where x holds integers, as labels and
# pixels do, that is an error. Guessed: numpy's own, a ValueError, "data type ... not inexact". Seen:
# an AttributeError that speaks of a missing attribute "dtype", since the wrapper takes whatever
# finfo refuses for an array. Code that catches numpy's error lets this one through.
#
# Output seen on 2026-11-29:
#   numpy: ValueError
#   array_api_compat: AttributeError
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check array-api-compat==1.16.0 numpy==2.4.6
"$folder/venv/bin/python" - > "$folder/seen" <<'PYTHON'
import numpy
from array_api_compat import array_namespace

x = numpy.arange(3)
for name, namespace in (("numpy", numpy), ("array_api_compat", array_namespace(x))):
    try:
        namespace.finfo(x.dtype)
        print(f"{name}: no error")
    except Exception as error:
        print(f"{name}: {type(error).__name__}")
PYTHON
cat "$folder/seen"
printf 'numpy: ValueError\narray_api_compat: AttributeError\n' | diff - "$folder/seen"
