"""A coordinator to be killed: commits sequential rounds without end, and tells each once it is kept.

Usage: python writer.py PLACE
"""

from __future__ import annotations

import os
import sys

from tinylearn.fleet.records import PutRound, Round
from tinylearn.fleet.store import open_store

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from support.fleet_records import sequential_round

    store = open_store(sys.argv[1], create=False)
    number = store.load(1).head.number
    if number == 1:
        store.commit(1, [PutRound(Round(1, 1, ("dev",)))])
    while True:
        store.commit(1, sequential_round(number))
        os.write(1, b"%d\n" % number)
        number += 1
