"""The sidebar: widgets derived from the schema."""
