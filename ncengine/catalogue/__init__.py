"""Facts about data sets and architectures, without data and without torch."""
