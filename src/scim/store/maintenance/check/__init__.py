"""Check the items of a tenant against each other, and repair them.

1. *Scan*: read all items once, and note what contradicts (:mod:`scim.store.maintenance.check.scan`). Other requests
   write at the same time, so this is only a suspicion.
2. *Confirm*: read the items of a suspicion again, in an order that proves a contradiction
   (:mod:`scim.store.maintenance.check.confirm` and the modules next to it).
3. *Repair*: write on conditions that include the items that were read.
"""
