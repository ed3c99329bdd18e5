class ReelbenchError(Exception):
    """Base of every error that a user can meet: its message says what is wrong and what to do.

    `exit_code` is what a command line ends with when the error reaches it.
    """

    exit_code = 2


class UsageError(ReelbenchError):
    """The user asked for something that does not exist or does not fit."""


class EnvironmentFault(ReelbenchError):
    """A program, port or service that the work needs is missing or does not answer."""

    exit_code = 3
