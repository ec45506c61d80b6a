"""Other Debians than this machine's: booted beside it, they build the product and test it in themselves.

Root makes the tree of one, which is kept, and boots it as a container, of which nothing is left at the end.
"""


class NotHere(Exception):
    """Why it cannot be done on this machine, in words."""
