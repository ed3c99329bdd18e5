from contract.ledger import Order

SUSPECT_AFTER = 2
MOST_CRASHES = 3


def order(
    worker: str, lease: float, limit: int, token_prefix: str, *, suspects: int = 1, suspect_after: int = SUSPECT_AFTER
) -> Order:
    """What a worker that runs no suspect asks for."""
    return Order(worker, lease, limit, token_prefix, suspects, suspect_after, MOST_CRASHES)
