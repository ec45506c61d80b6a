"""make bench: what a token costs, against what the machine can do at best and against other agents.

Two figures of two runs say little: a shared machine is as fast as its neighbours let it be. So the programs
that are compared take turns, a slice of at most 0.2 s each, and what counts is the median of the ratios of
neighbouring slices.
"""
