from itertools import product

import pytest

from loadgen.share import WHOLE, Share


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_shares_are_the_whole_and_no_two_overlap(of: int) -> None:
    shares = [Share(number, of) for number in range(of)]
    for users, n in product([1, 2, 5, 8, 50], [1, 2, 7, 50, 144]):
        assert sorted(index for share in shares for index in share.each(n)) == list(range(n))
        assert sorted(index for share in shares for index in share.of_users(users, n)) == list(range(n))


@pytest.mark.parametrize(("users", "of"), [(1, 2), (3, 2), (5, 2), (2, 5), (50, 3)])
def test_a_generator_has_jobs_if_it_has_users_and_as_many_for_each_as_the_others(users: int, of: int) -> None:
    for number in range(of):
        share = Share(number, of)
        assert len(share.of_users(users, 10 * users)) == 10 * len(share.each(users))


def test_one_generator_carries_everything_in_order() -> None:
    assert list(WHOLE.each(5)) == WHOLE.of_users(3, 5) == [0, 1, 2, 3, 4]
