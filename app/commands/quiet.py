"""What a command without a server is spared."""

from __future__ import annotations


def quieten() -> None:
    """Before the app's modules are loaded, of whose decorators Streamlit would warn.

    Without a server, what they remember goes with the process, as it should.
    """
    from streamlit.logger import set_log_level

    set_log_level("ERROR")
