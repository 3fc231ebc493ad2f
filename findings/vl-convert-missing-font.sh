#!/bin/sh
# vl-convert-python 1.9.0.post1: a chart whose only font is not installed.
#
# A figure for a paper asks for the paper's font. Guessed: where that is not on the machine, another
# takes its place, as in every browser, or there is an error. Seen: neither. All text is left out of
# the PDF, axes and title alike, without a word; with "sans-serif" named after it, the text is there.
# A figure made where fonts are, and made again on a server where they are not, loses its labels.
#
# Output seen on 2026-11-30, characters that pypdf 7.1.1 finds in the PDF:
#   a font that is not there: 0
#   the same, sans-serif after it: more
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
    vl-convert-python==1.9.0.post1 pypdf==7.1.1
"$folder/venv/bin/python" - > "$folder/seen" <<'PYTHON'
import io

import vl_convert
from pypdf import PdfReader

spec = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
    "title": "NC1 over depth",
    "data": {"values": [{"depth": 2, "nc1": 0.1}, {"depth": 5, "nc1": 0.03}]},
    "mark": "line",
    "encoding": {
        "x": {"field": "depth", "type": "quantitative"},
        "y": {"field": "nc1", "type": "quantitative"},
    },
}
for title, font in (
    ("a font that is not there", "No Such Font"),
    ("the same, sans-serif after it", "No Such Font, sans-serif"),
):
    pdf = vl_convert.vegalite_to_pdf({**spec, "config": {"font": font}})
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).strip()
    print(f"{title}: {'more' if len(text) > 20 else len(text)}")
PYTHON
cat "$folder/seen"
printf 'a font that is not there: 0\nthe same, sans-serif after it: more\n' | diff - "$folder/seen"
