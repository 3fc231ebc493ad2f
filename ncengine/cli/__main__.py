"""The command line as a module: `python -m ncengine.cli …`."""

from ncengine.cli import program

program()
