"""``make bench``: measures the endpoint and its peers side by side, and says which of the bars hold.

Everything goes through the real handlers, on dynoxide. What differs between two sides of a row is measured in turn, and
figures are medians. Nothing here is part of what is deployed.
"""
