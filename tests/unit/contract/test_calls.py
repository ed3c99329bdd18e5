import pytest

from contract.calls import CallKey


@pytest.mark.parametrize(
    "key", [CallKey("job-7/a:b", 3, 2, 1), CallKey("video_0", 0, 1, 4), CallKey("x" * 80, 20, 99, 1000)]
)
def test_a_call_key_is_read_back_as_it_was_written(key: CallKey) -> None:
    assert CallKey.decode(key.encode()) == key


@pytest.mark.parametrize(
    "header",
    ["", "k", "k 1 1", "k 1 1 1 1", "k  1 1", "k a 1 1", "k 1.0 1 1", "k +1 1 1", "k 01 1 1", "k 1_0 1 1",
     "k \u0661 1 1", "k 1 1 1 ", " k 1 1 1", "k\t1\t1\t1", "k 1 1 1\n"],
)  # fmt: skip
def test_a_header_that_no_call_key_wrote_is_refused(header: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - ValueError is the contract
        CallKey.decode(header)
