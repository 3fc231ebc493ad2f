"""How a run leaves, as tables, as parameters, as a network, and how it comes back."""

from ncengine.exchange.frames import tables, write_tables

__all__ = ["tables", "write_tables"]
