import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from contract.calls import CALL_HEADER, PLANNED_HEADER, CallKey
from contract.script import Script, response_format
from tests.unit.mocks.server import ROOT, latencies, running

DOCUMENT = "\n".join(
    f"The stage called number {name} spends most of its time waiting for a provider that answers late."
    for name in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
)
SPEECH = {"model": "m", "input": "A few words.", "voice": "alloy", "response_format": "aac"}


def chat(scenes: int, seed: int = 0) -> dict[str, Any]:
    messages = [{"role": "system", "content": "Write a script."}, {"role": "user", "content": DOCUMENT}]
    return {"model": "m", "messages": messages, "response_format": response_format(scenes), "seed": seed}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with running(**latencies("0.000001", "0.0000001")) as (_, url), httpx.Client(base_url=url) as client:
        yield client


def sample(client: httpx.Client, name: str, **labels: str) -> float:
    text = client.get("/metrics").text
    found = [
        entry.value
        for family in text_string_to_metric_families(text)
        for entry in family.samples
        if entry.name == name and entry.labels == labels
    ]
    assert len(found) == 1, name
    return found[0]


def test_a_chat_completion_has_openai_s_shape_and_holds_a_script_of_the_size_asked_for(client: httpx.Client) -> None:
    answer = client.post("/v1/chat/completions", json=chat(7)).json()
    assert answer["object"] == "chat.completion"
    script = Script.model_validate_json(answer["choices"][0]["message"]["content"])
    assert len(script.scenes) == 7
    assert all(scene.narration in " ".join(DOCUMENT.split()) for scene in script.scenes)
    assert len({scene.visual_prompt for scene in script.scenes}) == 7
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > len(DOCUMENT) / 4


def test_the_same_seed_gives_the_same_script_and_another_seed_another(client: httpx.Client) -> None:
    def script(seed: int) -> str:
        answer = client.post("/v1/chat/completions", json=chat(3, seed)).json()
        return str(answer["choices"][0]["message"]["content"])

    assert script(1) == script(1)
    assert script(1) != script(2)


def test_the_planned_latency_hangs_on_the_call_s_key_and_on_nothing_else() -> None:
    def planned(key: CallKey, text: str) -> str:
        answer = slow.post("/v1/audio/speech", json=SPEECH | {"input": text}, headers={CALL_HEADER: key.encode()})
        return str(answer.headers[PLANNED_HEADER])

    with running(**latencies("0.02", "0.005")) as (_, url), httpx.Client(base_url=url) as slow:
        first = planned(CallKey("job-1", 1, 1, 1), "one text")
        assert planned(CallKey("job-1", 1, 1, 1), "another text") == first
        others = {planned(CallKey("job-1", 1, 1, attempt), "one text") for attempt in (2, 3, 4)}
        assert len(others | {first}) == 4


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/chat/completions", "{not json", None),
        ("/v1/chat/completions", {"model": "m"}, "messages"),
        (
            "/v1/chat/completions",
            {"model": "m", "messages": [{"role": "system", "content": "no document"}]},
            "messages",
        ),
        ("/v1/chat/completions", chat(1) | {"response_format": response_format(21)}, "response_format"),
        ("/v1/audio/speech", {"model": "m", "voice": "alloy"}, "input"),
        ("/v1/audio/speech", SPEECH | {"input": "x" * 4097}, "input"),
        ("/v1/audio/speech", SPEECH | {"response_format": "mp3"}, "response_format"),
        ("/v1/audio/speech", SPEECH | {"voice": "nobody"}, "voice"),
        ("/v1/images/generations", {"model": "m"}, "prompt"),
        ("/v1/images/generations", {"model": "m", "prompt": "x", "size": "1x1"}, "size"),
    ],
)
def test_bad_input_is_refused_in_openai_s_shape_and_counted(
    client: httpx.Client, path: str, body: str | dict[str, Any], param: str | None
) -> None:
    provider = {"chat": "llm", "audio": "tts", "images": "visual"}[path.split("/", 3)[2]]
    before = sample(client, "t2v_mock_calls_total", provider=provider, status="400")
    answer = client.post(path, content=body if isinstance(body, str) else orjson.dumps(body))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert sample(client, "t2v_mock_calls_total", provider=provider, status="400") == before + 1


def test_a_header_that_is_no_call_key_is_refused(client: httpx.Client) -> None:
    answer = client.post("/v1/audio/speech", json=SPEECH, headers={CALL_HEADER: "job one"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, CALL_HEADER)


def test_an_unknown_path_and_a_wrong_method_are_refused_and_counted(client: httpx.Client) -> None:
    for path, status, labels in (
        ("/v1/embeddings", 404, {"provider": "unmatched", "status": "404"}),
        ("/v1/audio/speech", 405, {"provider": "tts", "status": "405"}),
    ):
        before = sample(client, "t2v_mock_calls_total", **labels)
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]["type"]) == (status, "invalid_request_error")
        assert sample(client, "t2v_mock_calls_total", **labels) == before + 1


def test_the_metrics_count_calls_bytes_and_lateness_and_start_at_0(client: httpx.Client) -> None:
    def counts() -> list[float]:
        return [
            sample(client, "t2v_mock_late_seconds_count", provider="visual"),
            sample(client, "t2v_mock_planned_seconds_count", provider="visual"),
            sample(client, "t2v_mock_calls_total", provider="visual", status="200"),
            sample(client, "t2v_mock_payload_bytes_total", provider="visual", direction="sent"),
            sample(client, "t2v_mock_payload_bytes_total", provider="visual", direction="received"),
        ]

    assert sample(client, "t2v_mock_calls_total", provider="visual", status="503") == 0
    before = counts()
    answer = client.post("/v1/images/generations", json={"model": "m", "prompt": "A chart of lateness"})
    grown = [after - earlier for after, earlier in zip(counts(), before, strict=True)]
    assert grown == [1, 1, 1, len(answer.content), len(answer.request.content)]
    assert sample(client, "t2v_process_cpu_seconds_total", part="self", mode="user") > 0


def test_models_and_health_answer(client: httpx.Client) -> None:
    assert client.get("/v1/models").json()["object"] == "list"
    assert client.get("/healthz").status_code == 200


def test_an_answer_leaves_after_its_planned_latency_and_a_terminated_server_still_sends_it() -> None:
    answers: list[httpx.Response] = []
    with (
        running(**latencies("0.4", "0.01")) as (process, url),
        httpx.Client(base_url=url) as client,
        httpx.Client(base_url=url) as watcher,
    ):
        call = threading.Thread(target=lambda: answers.append(client.post("/v1/audio/speech", json=SPEECH)))
        call.start()
        until = time.monotonic() + 10
        while not sample(watcher, "t2v_mock_planned_seconds_count", provider="tts"):
            assert time.monotonic() < until
        process.send_signal(signal.SIGTERM)
        call.join(10)
        assert process.wait(10) == 0
    assert answers[0].status_code == 200
    assert answers[0].elapsed.total_seconds() >= float(answers[0].headers[PLANNED_HEADER]) > 0.3


def test_a_taken_port_is_one_sentence_and_exit_code_3() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "-m", "mocks"],
            cwd=ROOT,
            env={"T2V_PORT": port},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 3
    assert ended.stderr.count("\n") == 1
    assert port in ended.stderr
