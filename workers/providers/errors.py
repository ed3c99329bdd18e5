"""How a provider can fail us."""

from contract.calls import CallResult, Provider
from contract.errors import ReelbenchError


class ProviderError(ReelbenchError):
    """`again`: whether another attempt may help."""

    def __init__(self, provider: Provider, message: str, *, again: bool) -> None:
        super().__init__(f"The {provider.name} provider failed: {message}")
        self.provider = provider
        self.again = again


class CallError(ProviderError):
    """A call was made and gave nothing usable. `retry_after` is the wait in seconds that the provider asked for."""

    def __init__(
        self,
        provider: Provider,
        result: CallResult,
        message: str,
        *,
        again: bool = True,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(provider, message, again=again)
        self.result = result
        self.retry_after = retry_after


class RejectedError(ProviderError):
    """No call was made: the provider failed too often just now. In `wait` seconds one may be."""

    def __init__(self, provider: Provider, wait: float) -> None:
        super().__init__(provider, "it failed so often just now that no call was made", again=True)
        self.wait = wait
