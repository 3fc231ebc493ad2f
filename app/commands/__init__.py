"""What of `ncengine …` needs the app. Loaded by its place, see `ncengine/cli/explorer.py`."""
