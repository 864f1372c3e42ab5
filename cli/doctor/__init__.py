"""The command ``doctor``: check whether a deployment is completely set up.

``checks`` is the list of checks, each module with the checks of one subject. ``findings`` is what they return.
"""
