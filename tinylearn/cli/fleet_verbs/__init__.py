"""Verbs of ``tinylearn fleet``: one file each, no logic."""

#: in the order of the work
VERBS = (
    "strategies",
    "broker-config",
    "enroll",
    "revoke",
    "serve",
    "gateway",
    "simulate",
    "status",
    "devices",
    "history",
    "pause",
    "resume",
    "evict",
    "admit",
    "hold",
    "release",
    "pin",
    "tag",
    "rollout",
    "restore",
    "export",
    "register",
)
