"""The workloads of benchmark.py, a file for each family, and how they are timed, told and drawn."""
