"""The command line ``muster``, for the local run and for deployed stacks. It uses the AWS permissions of its user.

Each module has the commands of one subject. ``app``, ``deployment`` and ``output`` have what all commands share.
"""
