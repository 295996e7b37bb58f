#!/usr/bin/python3
"""run.py MODULE.CLASS: runs one class of tests. Exits 1 when one failed, 77 when every one was skipped, else 0."""

import sys
import unittest

SKIPPED = 77


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    suite = unittest.defaultTestLoader.loadTestsFromName(sys.argv[1])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    if not result.wasSuccessful() or suite.countTestCases() == 0:
        return 1
    # A class that skips as a whole is reported with fewer tests run than it has.
    return SKIPPED if result.skipped and len(result.skipped) >= result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
