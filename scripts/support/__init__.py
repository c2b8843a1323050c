"""What several programs share: options, tables, pictures, files, ranks, and how they all end."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - said here, for older ones cannot even read what follows
    sys.stderr.write("Python 3.11 or newer is needed, this is %d.%d\n" % sys.version_info[:2])  # noqa: UP031
    sys.exit(2)
