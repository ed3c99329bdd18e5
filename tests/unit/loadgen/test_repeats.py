from collections import Counter

import pytest
from pydantic import ValidationError

from loadgen.repeats import Namespaces, Repeats


def test_each_input_is_asked_for_as_often_as_wanted_in_an_order_that_the_seed_decides() -> None:
    twice = Repeats(repeats=2)
    inputs = twice.inputs(120, seed=1)
    assert Counter(inputs) == dict.fromkeys(range(60), 2)
    assert inputs == twice.inputs(120, seed=1)
    assert inputs != twice.inputs(120, seed=2)
    assert inputs != sorted(inputs)


def test_the_last_input_takes_what_is_left() -> None:
    assert Counter(Repeats(repeats=2).inputs(5, seed=1)) == {0: 2, 1: 2, 2: 1}


def test_no_input_can_be_asked_for_less_than_once() -> None:
    with pytest.raises(ValidationError):
        Repeats(repeats=0)


def test_jobs_that_share_nothing_have_a_namespace_each_and_others_one_per_load() -> None:
    keys = ["1/measure/0", "1/measure/1"]
    apart = [Namespaces("run", start, shared=False).of(key) for start in (1.0, 2.0) for key in keys]
    together = [Namespaces("run", start, shared=True).of(key) for start in (1.0, 2.0) for key in keys]
    elsewhere = Namespaces("another-run", 1.0, shared=True).of(keys[0])
    assert len(set(apart)) == 4
    assert together[0] == together[1] != together[2] == together[3]
    assert len({*apart, *together, elsewhere}) == 4 + 2 + 1
