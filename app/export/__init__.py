"""What is taken along: one HTML file, which needs neither server nor network."""
