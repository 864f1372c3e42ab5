"""The command line ``muster``: for the local run and for a deployed stack, with the rights of the person who runs it.

Each module has the commands of one subject; ``app``, ``deployment`` and ``output`` have the parts that they share.
"""
