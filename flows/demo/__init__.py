"""The demo world: a small Reddit with its image hosts on this machine, painted, seeded and true to its plan.

``world`` plans the submissions, ``truth`` knows what should become of each, ``pictures`` and ``studio`` paint,
``server`` answers for every host. Nothing outside this package knows that it is a demo.
"""
