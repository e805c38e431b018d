"""How many files and connections this process may have open at once."""

from __future__ import annotations

import resource

from tinylearn.errors import UsageError

#: beside the connections: libraries, pipes, the loop's own
_OTHERS = 200


def allow_connections(count: int) -> None:
    """Raises the process's limit where that is too low. Raises UsageError where it may not."""
    needed = count + _OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    most = hard if hard == resource.RLIM_INFINITY else max(hard, needed)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, most))
    except (ValueError, OSError):
        raise UsageError(
            f"{count} connections need {needed} open files, this process may have {hard}; raise that "
            "limit (ulimit -Hn as root, LimitNOFILE= in a unit), or take fewer devices"
        ) from None
