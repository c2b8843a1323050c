"""The parts of large.py and data_parallel.py: sources of data, passes over them, and their checks."""
