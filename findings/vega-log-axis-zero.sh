#!/bin/sh
# vl-convert-python 1.9.0.post1 (Vega 6.2, Vega-Lite 6): a 0 on a logarithmic axis.
#
# A metric of collapse that has become exactly 0 lies infinitely far below, on a logarithmic axis.
# Guessed: such a point is left out, or drawn at the lower edge. Seen: where the domain is given, it is
# drawn at the upper edge, as if it were the largest value of all; and where the domain comes from the
# data, every other point is moved to the upper edge as well, and the chart is a flat line.
#
# Output seen on 2026-11-30, pixels from the upper edge of 200 for values 1, 0.01, 0.0001 and 0:
#   domain given: 0 100 200 0
#   domain of the data: 0 0 0 0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check vl-convert-python==1.9.0.post1
"$folder/venv/bin/python" - > "$folder/seen" <<'PYTHON'
import re

import vl_convert

values = [{"pass": n, "metric": y} for n, y in enumerate((1, 0.01, 0.0001, 0))]
for title, given in (("domain given", {"domain": [0.0001, 1]}), ("domain of the data", {})):
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "height": 200,
        "data": {"values": values},
        "mark": "point",
        "encoding": {
            "x": {"field": "pass", "type": "quantitative"},
            "y": {"field": "metric", "type": "quantitative", "scale": {"type": "log", **given}},
        },
    }
    drawn = vl_convert.vegalite_to_svg(spec).partition("mark-symbol")[2]
    heights = re.findall(r'transform="translate\([-\d.]+,([-\d.]+)\)"', drawn)[:4]
    print(f"{title}:", *(round(float(height)) for height in heights))
PYTHON
cat "$folder/seen"
printf 'domain given: 0 100 200 0\ndomain of the data: 0 0 0 0\n' | diff - "$folder/seen"
