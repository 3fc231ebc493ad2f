"""The command line as a module: `python -m ncengine.cli …`."""

import sys

from ncengine.cli.main import main

sys.exit(main())
