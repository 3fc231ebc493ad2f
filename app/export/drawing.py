"""What draws charts, in a process of its own: run as a script, see `press.py`.

While vl-convert draws, nothing else runs in its process: a server would stand still for all who
look on. Each line that is read is JSON of one call; each answer is a line of JSON that says how
many bytes follow, or what was wrong.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import IO

# Drawn before it is asked for anything, since the first drawing takes as long as ten others.
FIRST = {"data": {"values": [{}]}, "mark": "point"}


def main(fonts: str, version: str, asked: IO[bytes], answers: IO[bytes]) -> None:
    """Answer until nobody can ask any more.

    Args:
        fonts: the folder of the typeface.
        version: of the specs that are drawn.
        asked, answers: lines of JSON, see above.
    """
    # Ctrl-C is for who asks: with that one, this ends too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import vl_convert

    vl_convert.register_font_directory(fonts)
    vl_convert.vegalite_to_svg(FIRST, vl_version=version)
    for line in asked:
        name, given = json.loads(line)
        try:
            made = getattr(vl_convert, name)(**given)
        except Exception as error:  # whatever is wrong, who asks is told
            told, content = json.dumps({"wrong": str(error)}), b""
        else:
            content = made.encode() if isinstance(made, str) else made
            told = json.dumps({"bytes": len(content)})
        answers.write(told.encode() + b"\n" + content)
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.stdin.buffer, sys.stdout.buffer)
