"""What the package promises in numbers, measured: ``python -m tests.benchmarks`` prints the table.

Each row compares two sides in alternating runs of one process and takes medians, because the machines are shared and
noisy: the ratios hold, the absolute numbers are of the day.
"""
