"""The engine's long-lived parts, as the pages use them."""
