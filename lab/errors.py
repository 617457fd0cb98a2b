"""The one error that people are meant to read."""


class LabError(Exception):
    """What went wrong, why, and what to do about it, in one message."""


class NoUseWaiting(LabError):
    """What is waited for can no longer happen."""
