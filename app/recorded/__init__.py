"""Networks of one's own on a page: what was recorded of them, or came as files."""
