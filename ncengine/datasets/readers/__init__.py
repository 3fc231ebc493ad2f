"""How the files of the data sets are read, format by format."""
