"""What is kept of experiments, and how anyone sees it."""
