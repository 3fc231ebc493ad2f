"""The commands that the app adds. Each is a module here with `add_command`, quick to load."""

NAMES: tuple[str, ...] = ("server", "figure")
