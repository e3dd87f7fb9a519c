"""A server samples what the policy would, under the weights of now, or the run says that it not."""

import json
import logging
import math
import os
import subprocess
import sys
import threading
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from emolit.affect.taxonomy import Taxonomy
from emolit.engine.weights.adapters import Lora
from emolit.errors import ConfigError, RolloutError
from emolit.evaluators.categorical import Categorical
from emolit.objectives.grpo import GRPO
from emolit.policies.nano import Nano
from emolit.prompts.direct import Direct
from emolit.rewards.correct import Correct
from emolit.rl.groups import clips_of
from emolit.rollouts.vllm_server import VLLMServer
from emolit.tasks.rl import ReinforcementFinetuning
from emolit.types import Sampling
from tests.conftest import OPTIONS
from tests.fakes.tones import write_experiment
from tests.fakes.vllm import vllm
from tests.tasks.toy import Table, alone

SAMPLING = Sampling(max_tokens=6)
PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No proxy between here and the server, and short pauses."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("emolit.engine.sampling.vllm_client.PAUSE", 0.02)


@pytest.fixture
def server(nano_folder):
    with vllm(nano_folder) as made:
        yield made


@pytest.fixture
def few(batch):
    return clips_of(batch, range(3))


def built(folder, lora=None):
    policy = Nano(str(folder), lora)
    policy.build(reference=False, seed=0)
    return policy


def engine(server, tmp_path, **settings):
    servers = server if isinstance(server, list) else [server]
    return VLLMServer([one.url for one in servers], str(tmp_path), **settings)


def draw(made, policy, batch, step=0, sampling=SAMPLING, group=2):
    return made.draw(policy, batch, group, sampling, seed=0, step=step)


def gap(policy, rollout):
    """By how much training differs on a sampled token, at most."""
    with torch.no_grad():
        apart = policy.logprobs(rollout) - rollout.behavior
    return apart.abs().where(rollout.mask, 0.0).max().item()


def shift(policy):
    """Move what trains in place, as an optimizer does."""
    with torch.no_grad():
        for weight in policy.parameters():
            if weight.requires_grad:
                random = torch.Generator().manual_seed(weight.numel())
                weight.add_(0.05 * torch.randn(weight.shape, generator=random))


def rows(rollout):
    return [
        tuple(tokens[mask].tolist())
        for tokens, mask in zip(
            rollout.tokens.flatten(0, 1), rollout.mask.flatten(0, 1), strict=True
        )
    ]


@pytest.mark.parametrize("lora", [None, Lora(rank=2)], ids=["full", "lora"])
def test_it_samples_by_the_weights_of_now(server, few, tmp_path, nano_folder, lora):
    policy, made = built(nano_folder, lora), engine(server, tmp_path)
    found = []
    for step in range(3):
        rollout = draw(made, policy, few, step)
        found.append(rows(rollout))
        assert gap(policy, rollout) < 1e-5
        assert rows(draw(made, policy, few, step)) == found[-1]  # and nothing is loaded twice
        assert len(server.loads) == step + 1
        shift(policy)
    assert len({tuple(map(tuple, each)) for each in found}) == 3
    assert len(server.networks) == (2 if lora else 1)  # adapters of before are unloaded
    assert len(server.resets) == (0 if lora else 9)
    assert len(list(tmp_path.glob("emolit-*/*"))) == 1  # what is no longer served is removed


def test_folders_are_gone_when_the_engine_is(server, few, tmp_path, nano_folder):
    made = engine(server, tmp_path)
    draw(made, built(nano_folder), few)
    assert list(tmp_path.iterdir())
    del made
    assert not list(tmp_path.iterdir())


def test_responses_end_as_the_policys_own(server, few, tmp_path, nano_folder):
    policy, made = built(nano_folder), engine(server, tmp_path)
    tokenizer = policy.processor.tokenizer
    sampling = Sampling(max_tokens=10, temperature=1.5, stop=("e", "</answer>"))
    rollout = draw(made, policy, few, sampling=sampling, group=4)
    assert gap(policy, rollout) < 1e-5
    flat = rows(rollout)
    finished = rollout.finished.flatten().tolist()
    assert any(finished) and not all(finished)
    for row, ended in zip(flat, finished, strict=True):
        stopped = ["e" in tokenizer.decode(row[: i + 1]) for i in range(len(row))]
        assert not any(stopped[:-1]) and ended == (stopped[-1] or row[-1] in policy.ends.tolist())
        assert ended or len(row) == 10
        assert not set(row) & set(policy.forbidden.tolist())
    assert rollout.entropy is None and rollout.support is None
    texts = [text for group in rollout.responses for text in group]
    assert texts == [tokenizer.decode(row, skip_special_tokens=True) for row in flat]


def test_rows_depend_on_nothing_but_seed_step_clip_and_place(nano_folder, few, tmp_path):
    policy = built(nano_folder)
    with vllm(nano_folder) as one, vllm(nano_folder) as two:
        together = draw(engine([one, two], tmp_path), policy, few)
        assert one.asked and two.asked
        turned = draw(engine(one, tmp_path, limit=1), policy, clips_of(few, [2, 0, 1]))
        alone = draw(engine(two, tmp_path), policy, clips_of(few, [1]))
        other = draw(engine(two, tmp_path), policy, few, step=1)
    by_clip = [rows(together)[i : i + 2] for i in (0, 2, 4)]
    assert rows(turned) == by_clip[2] + by_clip[0] + by_clip[1]
    assert rows(alone) == by_clip[1]
    assert len({*rows(together), *rows(other)}) > 10  # of 12


def test_a_reply_goes_on_where_it_was_begun(server, few, tmp_path, nano_folder):
    policy = built(nano_folder)
    begun = replace(few, begun=("<think>low", "", "<think>"))
    rollout = draw(engine(server, tmp_path), policy, begun)
    assert gap(policy, rollout) < 1e-5
    assert rollout.responses[0][0].startswith("<think>low")


def test_greedy_answers_are_the_policys(server, few, tmp_path, nano_folder):
    policy = built(nano_folder)
    ours = policy.sample(few, 1, SAMPLING.greedy(), seed=0, step=0)
    theirs = draw(engine(server, tmp_path), policy, few, sampling=SAMPLING.greedy(), group=1)
    assert theirs.responses == ours.responses


def task(policy, rollouts, **settings):
    made = ReinforcementFinetuning(
        policy=policy,
        objective=GRPO(kl=0.0),
        rewards=[Correct()],
        optimizer=partial(torch.optim.SGD, lr=0.1),
        evaluator=Categorical(Taxonomy(OPTIONS)),
        prompt=Direct(),
        group_size=2,
        sampling=SAMPLING,
        rollouts=rollouts,
        **settings,
    )
    return alone(made, accumulate_grad_batches=1)


@pytest.fixture
def no_trainer(monkeypatch):
    monkeypatch.setattr(ReinforcementFinetuning, "global_step", 0)


@pytest.mark.usefixtures("no_trainer")
def test_the_gap_is_logged_and_a_server_that_lags_behind_stops_the_run(
    server, few, tmp_path, nano_folder
):
    policy = built(nano_folder)
    made = task(policy, engine(server, tmp_path, max_gap=1e-3), importance_cap=2.0)
    made.training_step(few, 0)
    assert 0 < made.logged["train/rollout_gap"].item() < 1e-5
    assert made.logged["train/importance"].item() == pytest.approx(1.0, abs=1e-4)
    assert "train/entropy" not in made.logged
    server.deaf = True
    shift(policy)
    with pytest.raises(RolloutError, match=r"differ by \S+ nats .*max_gap` is 0.001.*processed_lo"):
        made.training_step(replace(few), 0)


@pytest.mark.usefixtures("no_trainer")
def test_the_cap_weighs_what_the_server_is_off_by(server, few, tmp_path, nano_folder):
    policy = built(nano_folder)
    made = task(policy, engine(server, tmp_path, max_gap=None), importance_cap=2.0)
    made.training_step(few, 0)
    server.deaf = True
    shift(policy)
    scored = []
    loss = made.compute_loss
    made.compute_loss = lambda logprobs, gold, one: scored.append(one) or loss(logprobs, gold, one)
    made.training_step(replace(few), 0)
    one = scored[0]
    ratio = (one.rollout.behavior - one.sampled).exp().where(one.rollout.mask, 1.0)
    assert (ratio - 1).abs().max().item() > 1e-2
    torch.testing.assert_close(one.weights.where(one.rollout.mask, 1.0), ratio)
    assert made.logged["train/rollout_gap"].item() > 1e-3


def test_a_server_that_was_started_again_gets_the_weights_again(
    server, few, tmp_path, nano_folder, caplog
):
    policy, made = built(nano_folder), engine(server, tmp_path, wait=30.0)
    shift(policy)
    before = rows(draw(made, policy, few))
    server.stop()
    threading.Timer(0.3, server.start).start()
    with caplog.at_level(logging.WARNING):
        after = draw(made, policy, few)
    assert rows(after) == before and gap(policy, after) < 1e-5
    assert len(server.loads) == 2 and len(set(server.loads)) == 1
    assert "is away" in caplog.text and "up to 30 s" in caplog.text


@pytest.mark.parametrize("lora", [None, Lora(rank=2)], ids=["full", "lora"])
def test_a_server_that_dies_in_the_middle_of_a_rollout_gets_the_weights_again(
    server, few, tmp_path, nano_folder, lora
):
    policy, made = built(nano_folder, lora), engine(server, tmp_path, wait=30.0, limit=1)
    shift(policy)
    expected = rows(draw(made, policy, few))
    calm, count = server.chat, len(server.asked)

    def dying(body):
        if len(server.asked) == count + 3:  # comes back with the weights that it was started on
            server.networks = {"base": server.networks["base"]} if lora else {"base": fresh}
            server.version = "default"
            raise ConnectionError
        return calm(body)

    fresh = built(nano_folder).model
    server.chat = dying
    rollout = draw(made, policy, few)
    assert rows(rollout) == expected and gap(policy, rollout) < 1e-5
    assert len(server.loads) == 2


def test_a_server_that_stays_away_stops_the_run_with_what_to_do(server, few, tmp_path, nano_folder):
    made = engine(server, tmp_path, wait=0.2)
    made.start()
    server.stop()
    try:
        words = r"127.0.0.1:\d+ was away for 0.2 s .*ConnectError.*`--ckpt_path last` if .*; `wait`"
        with pytest.raises(RolloutError, match=words):
            draw(made, built(nano_folder), few)
        with pytest.raises(RolloutError, match=words):
            made.start()
    finally:
        server.start()


@pytest.mark.parametrize("fault", ["500", "half", "hang", "abort", "429"])
def test_what_breaks_off_in_passing_is_asked_for_again(server, few, tmp_path, nano_folder, fault):
    policy, made = built(nano_folder), engine(server, tmp_path)
    expected = rows(draw(made, policy, few))
    server.faults = [None, fault, fault]
    assert rows(draw(made, policy, few)) == expected
    assert len(server.asked) == 6 + 8


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("garbage", "replies to /v1/chat/completions with what is no JSON .*another program"),
        ("400", "refuses /v1/chat/completions with status 400: .*out of order"),
        ("bare", "no chat completion with token ids: .*vLLM 0.32"),
    ],
)
def test_what_cannot_be_read_stops_the_run(server, few, tmp_path, nano_folder, fault, words):
    server.faults = [fault] * 6
    with pytest.raises(RolloutError, match=words):
        draw(engine(server, tmp_path), built(nano_folder), few)


@pytest.mark.parametrize("route", ["/collective_rpc", "/v1/load_lora_adapter", "/weight_info"])
def test_weights_that_do_not_load_stop_the_run_at_once(server, few, tmp_path, nano_folder, route):
    server.broken = route
    policy = built(nano_folder, Lora(rank=2) if "lora" in route else None)
    with pytest.raises(
        RolloutError, match=rf"refuses {route} with status 500: .*; start (it|vLLM)"
    ):
        draw(engine(server, tmp_path), policy, few)


def test_a_server_that_breaks_off_each_time_is_given_up(server, few, tmp_path, nano_folder):
    server.faults = ["500"] * 99
    with pytest.raises(RolloutError, match=r"broke off 4 times .*500: .*out of order.*last`"):
        draw(engine(server, tmp_path), built(nano_folder), few)


def test_another_template_is_found_out(server, few, tmp_path, nano_folder):
    server.greeting = "Hello! "
    with pytest.raises(RolloutError, match=r"another prompt .*'clip0' of 'toy'.*--chat-template"):
        draw(engine(server, tmp_path), built(nano_folder), few)


def test_another_run_on_the_same_server_is_found_out(server, few, tmp_path, nano_folder):
    policy, made = built(nano_folder), engine(server, tmp_path)
    calm = server.chat

    def stolen(body):
        server.version = "emolit-of-another-run-1"
        return calm(body)

    server.chat = stolen
    with pytest.raises(RolloutError, match="given other weights while this run sampled"):
        draw(made, policy, few)


def test_what_a_server_cannot_do_is_refused_before_anything_is_loaded(few, tmp_path, nano_folder):
    made = VLLMServer(["http://127.0.0.1:9"], str(tmp_path))
    nano = Nano(str(nano_folder))
    made.check(nano, SAMPLING)
    with pytest.raises(ConfigError, match=r"top_p 0.9 and top_k 0; .*Set top_p 1"):
        task(nano, made).rollouts.check(nano, replace(SAMPLING, top_p=0.9))
    with pytest.raises(ConfigError, match="top_k 5"):
        made.check(nano, replace(SAMPLING, top_k=5))
    with pytest.raises(ConfigError, match=r"`lora.dora` is set"):
        made.check(Nano(str(nano_folder), Lora(dora=True)), SAMPLING)
    with pytest.raises(ConfigError, match=r"`lora.train` is set"):
        made.check(Nano(str(nano_folder), Lora(train=["multi_modal_projector"])), SAMPLING)
    with pytest.raises(ConfigError, match="Table is none"):
        made.check(Table(), SAMPLING)
    seen = replace(few, frames=(torch.zeros(1, 3, 2, 2, dtype=torch.uint8),) * 3)
    with pytest.raises(ConfigError, match="no pictures"):
        from emolit.rollouts.vllm_server import requests

        requests(SimpleNamespace(), seen, SAMPLING)


def test_settings_that_ask_nobody_are_refused():
    with pytest.raises(ConfigError, match="0 urls"):
        VLLMServer([])
    with pytest.raises(ConfigError, match="wait 0"):
        VLLMServer(["http://a"], wait=0)
    with pytest.raises(ConfigError, match=r"'127.0.0.1:8000' is no address of a server"):
        VLLMServer(["http://a", "127.0.0.1:8000"])
    for gap in (0.0, -1.0, math.nan):
        with pytest.raises(ConfigError, match=r"`max_gap` is .* any gap would stop the run"):
            VLLMServer(["http://a"], max_gap=gap)


def test_a_folder_that_takes_no_weights_is_told_before_anything_is_trained(server, tmp_path):
    (tmp_path / "file").touch()
    made = engine(server, tmp_path / "file")
    with pytest.raises(
        RolloutError, match=r"cannot be written to .*/file/emolit-\w+: .*`folder` of"
    ):
        made.start()
    assert not server.asked


def fit(config, root, *more):
    arguments = ["fit", "--config", config, "--trainer.default_root_dir", root, *more]
    done = subprocess.run(
        [sys.executable, "-m", "emolit", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=900,
        env={name: value for name, value in os.environ.items() if name not in PROXIES},
    )
    assert done.returncode == 0, done.stderr[-3000:]


def journal(root):
    lines = map(json.loads, (root / "rollouts.jsonl").read_text().splitlines())
    return {(line["step"], line["clip"]): line["responses"] for line in lines}


def gaps(root):
    board = EventAccumulator(str(root / "fit")).Reload()
    return [score.value for score in board.Scalars("train/rollout_gap")]


@pytest.fixture(scope="module")
def runs(tmp_path_factory, nano_folder):
    """The same training three times: in one process, in two, and stopped half way and resumed."""
    folder = tmp_path_factory.mktemp("runs")
    config = write_experiment(folder, nano_folder, speakers=6)
    with vllm(nano_folder) as server:
        node = f"{{class_path: VLLMServer, init_args: {{urls: ['{server.url}'], max_gap: 1.0e-4}}}}"
        common = ["--model.init_args.rollouts", node, "--trainer.limit_val_batches", 0]
        two = ["--trainer.devices", 2, "--trainer.strategy", "ddp"]
        two += ["--data.init_args.loading.batch_size", 4]
        fit(config, folder / "one", *common)
        fit(config, folder / "two", *common, *two)
        fit(config, folder / "resumed", *common, "--trainer.max_steps", 2)
        loads = len(server.loads)
        fit(config, folder / "resumed", *common, "--ckpt_path", "last")
        assert len(server.loads) > loads
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("other", ["two", "resumed"])
def test_any_number_of_processes_and_a_resumed_run_sample_alike(runs, other):
    expected = load_file(runs / "one/last/model.safetensors")
    assert max(gaps(runs / "one")) < 1e-5 and max(gaps(runs / other)) < 1e-5
    assert len(gaps(runs / "one")) == len(gaps(runs / other)) == 4
    rows = journal(runs / other)  # those of the first process
    assert len(rows) >= 16 and rows.items() <= journal(runs / "one").items()
    for name, weight in load_file(runs / other / "last/model.safetensors").items():
        torch.testing.assert_close(weight, expected[name], rtol=0, atol=1e-6)
