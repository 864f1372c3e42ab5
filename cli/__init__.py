"""The command line ``muster``: the local run and a deployed stack alike, with the rights of whoever uses it.

Each module has the commands of one subject; what they have in common is in ``app``, ``deployment`` and ``output``.
"""
