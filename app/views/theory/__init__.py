"""The page Theory, a file a part."""
