"""What fleets are judged on; one file a task, each with a ``TASK``."""
