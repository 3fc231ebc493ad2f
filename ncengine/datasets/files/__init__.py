"""Where the files of the data sets come from, and where they lie."""
