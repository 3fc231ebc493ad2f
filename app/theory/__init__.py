"""What the parts of the page Theory show, and say."""
