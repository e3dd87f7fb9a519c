"""Each alarm on a training or a sequence whose answer is known, and silence on healthy ones."""

import io
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch import LightningDataModule

from emolit.affect.taxonomy import Taxonomy
from emolit.callbacks.reward_watch import RewardWatch, share_without_signal, variety
from emolit.callbacks.validate_start import ValidateStart
from emolit.errors import ConfigError
from emolit.evaluators.categorical import Categorical
from emolit.objectives.grpo import GRPO
from emolit.prompts.direct import Direct
from emolit.rewards import Reward
from emolit.rewards.correct import Correct
from emolit.tasks.rl import ReinforcementFinetuning
from emolit.tasks.rl_buffered import BufferedReinforcementFinetuning
from emolit.types import Clip, ScoredRollout
from tests.callbacks.tiny import Loader, Told, batch_of, events, rollout, trainer
from tests.tasks.toy import WORDS, Table, asked

pytestmark = [
    pytest.mark.filterwarnings("ignore:You defined a `validation_step`"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:Trying to infer the `batch_size`"),
]
TASK = {
    "objective": GRPO(kl=0.0),
    "evaluator": Categorical(Taxonomy(WORDS)),
    "prompt": Direct(),
}


class Toy(LightningDataModule):
    """Four clips, asked about again and again."""

    names = ("toy",)
    repeats = 1

    def __init__(self, batches: int) -> None:
        super().__init__()
        self.batches = batches

    def train_dataloader(self) -> Loader:
        return Loader(*[asked() for _ in range(self.batches) for _ in range(self.repeats)])

    def val_dataloader(self) -> Loader:
        return Loader(asked())


class Cheerful(Reward):
    """A reward that pays one answer, whatever was heard."""

    def score(self, clip: Clip, response: str, answer: object) -> float:
        return float(answer == "happy")


def train(folder: Path, reward: Reward, batches: int, lr: float, **settings):
    """Train a table that leans to the right answers; return the watch, TensorBoard and warnings."""
    policy = Table()
    policy.logits.data += torch.eye(4)
    kind = settings.pop("kind", ReinforcementFinetuning)
    task = kind(
        policy, rewards=[reward], optimizer=partial(torch.optim.Adam, lr=lr), **TASK, group_size=16
    )
    watch = RewardWatch("val/toy/UA", window=8, ngram=1, **settings)
    run = trainer(folder, ValidateStart(), watch, val_check_interval=5, num_sanity_val_steps=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run.fit(task, datamodule=Toy(batches))
    told = [str(w.message) for w in caught if "RewardWatch" in str(w.message)]
    return watch, events(folder), told


@pytest.mark.parametrize("kind", [ReinforcementFinetuning, BufferedReinforcementFinetuning])
def test_a_healthy_training_is_silent(tmp_path, kind):
    _, board, told = train(tmp_path, Correct(), 40, 0.01, kind=kind)
    assert told == []
    assert board.Scalars("train/reward")[-1].value > board.Scalars("train/reward")[0].value + 0.1
    assert {score.value for score in board.Scalars("watch/alarms")} == {0.0}
    assert {score.value for score in board.Scalars("watch/fall")} == {0.0}
    updates = 2 if kind is BufferedReinforcementFinetuning else 1
    assert board.Scalars("watch/flat")[0].step == 7 * updates  # with the eighth rollout
    assert not any("watch" in tag for tag in board.Tags()["tensors"])


def test_a_gamed_reward_raises_the_alarm_once_with_numbers(tmp_path):
    _, board, told = train(tmp_path, Cheerful(), 60, 0.1)
    falls = [text for text in told if "worse than its best" in text]
    assert len(falls) == 1
    assert "val/toy/UA is 0.75 worse than its best of 1" in falls[0]
    assert board.Scalars("watch/fall")[-1].value == pytest.approx(0.75)  # one class of four is left
    assert board.Scalars("train/reward")[-1].value > 0.9
    assert board.Scalars("val/toy/UA")[-1].value == 0.25
    text = board.Tensors("watch/fall/text_summary")[0].tensor_proto.string_val[0].decode()
    assert text == falls[0]


def test_one_answer_to_every_clip_is_a_collapse_of_variety(tmp_path):
    watch, board, told = train(tmp_path, Cheerful(), 100, 0.1)
    assert sum("distinct n-grams" in text for text in told) == 1
    assert board.Scalars("watch/variety")[-1].value == pytest.approx(0.25, abs=0.1)
    assert watch.standing == ["fall", "variety", "flat", "silent"]
    assert board.Scalars("watch/alarms")[-1].value == 4
    silent = [text for text in told if "as often as it is the right answer" in text]
    assert len(silent) == 1 and "balance labels (`loading.balance`)" in silent[0]
    assert board.Scalars("watch/silent")[-1].value < 0.1


def test_a_reward_that_is_always_earned_is_saturated(tmp_path):
    watch, board, told = train(tmp_path, Correct(), 60, 0.1)
    assert "all responses earn the same in 8" in told[0]
    assert all("all responses earn the same" in text for text in told)
    assert board.Scalars("watch/flat")[-1].value > 0.8
    assert watch.standing == ["flat"]


def words(number: int, tokens: int) -> ScoredRollout:
    """A rollout whose answers are lists of so many words in so many tokens."""
    scored = rollout([["a", "b"]], [["sad", "sad"]])
    shape, drawn = (1, 2, 8), scored.rollout
    drawn = replace(
        drawn,
        answers=((("sad",) * number, ("sad",) * number),),
        tokens=torch.arange(16).view(shape),
        mask=torch.arange(8).expand(shape) < tokens,
    )
    return replace(scored, rollout=drawn, total=torch.tensor([[0.0, 1.0]]))


class Script(Told):
    """A task whose rollouts were written before."""

    def __init__(self, script: list[ScoredRollout]) -> None:
        super().__init__({})
        self.script = script

    def training_step(self, batch, batch_idx):
        return {**super().training_step(batch, batch_idx), "scored": self.script[batch_idx]}


def played(folder: Path, script: list[ScoredRollout], watch: RewardWatch) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer(folder, watch).fit(Script(script), Loader(*[batch_of()] * len(script)))
    return [str(w.message) for w in caught if "RewardWatch" in str(w.message)]


# windows of 2: the start is the first two, so that a value counts in full from its second on
@pytest.mark.parametrize(
    ("numbers", "tokens", "step", "said"),
    [
        ([1, 1, 3, 3, 3], [4] * 5, 3, "words in a list of answers went from 1 to 2, 2.00 times"),
        ([2, 2, 1, 1, 1], [4] * 5, 4, "words in a list of answers went from 2 to 1, 0.50 times"),
        ([1] * 5, [2, 2, 4, 4, 8], 4, "tokens of a response went from 2 to 4, 2.00 times"),
        ([1] * 5, [8, 8, 4, 4, 2], 4, "tokens of a response went from 8 to 4, 0.50 times"),
        ([1, 1, 2, 2, 1], [4, 4, 7, 7, 4], None, ""),
    ],
)
def test_lists_and_lengths_that_drift_raise_an_alarm(tmp_path, numbers, tokens, step, said):
    numbers = [2 * n if step is None else n for n in numbers]
    numbers = [3 if n == 4 and step is None else n for n in numbers]
    script = [words(n, t) for n, t in zip(numbers, tokens, strict=True)]
    told = played(tmp_path, script, RewardWatch(window=2))
    alarms = [score.value for score in events(tmp_path).Scalars("watch/alarms")]
    if step is None:
        assert told == []
        assert set(alarms) == {0.0}
        return
    assert len(told) == 1
    assert f"step {step}: {said}" in told[0]
    assert alarms[: step - 1] == [0.0] * (step - 1)
    assert alarms[step - 1] == 1.0


def test_an_alarm_is_raised_again_after_a_window_without_it(tmp_path):
    numbers = [1, 1, 4, 4, 1, 1, 4, 1, 1, 1, 1, 4]  # beyond at steps 3 to 5, 7, 8 and 12
    told = played(tmp_path, [words(n, 4) for n in numbers], RewardWatch(window=2))
    assert [text.split(":")[0] for text in told] == [
        "RewardWatch at step 3", "RewardWatch at step 12",
    ]  # fmt: skip
    alarms = [score.value for score in events(tmp_path).Scalars("watch/alarms")]
    assert alarms == [0, 0, 1, 1, 1, 0, 1, 1, 0, 0, 0, 1]


def test_the_watch_goes_on_from_a_checkpoint_as_if_nothing_had_been(tmp_path):
    script = [words(n, t) for n, t in zip([1, 1, 1, 1, 5, 4], [4, 5, 4, 6, 7, 8], strict=True)]
    whole, first, second = (RewardWatch(window=3) for _ in range(3))
    played(tmp_path / "whole", script, whole)
    played(tmp_path / "first", script[:4], first)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    played(tmp_path / "second", script[4:], second)
    assert second.state_dict() == whole.state_dict()
    assert second.standing == ["list"]


def test_distinct_n_by_hand():
    """Rows 1 2 1 2 and 1 2 3: four distinct of seven unigrams without padding, three of five."""
    scored = words(1, 4)
    tokens = torch.tensor([[[1, 2, 1, 2], [1, 2, 3, 9]]])
    mask = torch.tensor([[[True] * 4, [True] * 3 + [False]]])
    drawn = replace(scored.rollout, tokens=tokens, mask=mask)
    assert variety(drawn, 1) == pytest.approx(3 / 7)
    assert variety(drawn, 2) == pytest.approx(3 / 5)
    assert variety(drawn, 5) != variety(drawn, 5)  # no 5-gram: NaN


def test_a_group_is_flat_by_its_scored_responses():
    nan = float("nan")
    total = torch.tensor([[1.0, 1.0, nan], [1.0, 0.0, nan], [nan, nan, nan], [0.0, 0.5, 1.0]])
    assert share_without_signal(total) == 0.5


def test_a_score_that_is_not_logged_is_refused_with_those_that_are(tmp_path):
    task = ReinforcementFinetuning(
        Table(), rewards=[Correct()], optimizer=partial(torch.optim.Adam, lr=0.1), **TASK
    )
    run = trainer(tmp_path, RewardWatch("val/other/UA"), num_sanity_val_steps=0)
    with pytest.raises(ConfigError, match=r"'val/other/UA', which .* 'val/toy/UA'"):
        run.fit(task, datamodule=Toy(2))


@pytest.mark.parametrize(
    ("mode", "scores", "rewards", "falls"),
    [
        ("max", [0.5, 0.6, 0.56, 0.5], [0, 1, 2, 3], [0, 0, 0.04, 0.1]),
        ("min", [0.5, 0.4, 0.44, 0.5], [0, 1, 2, 3], [0, 0, 0.04, 0.1]),
        ("max", [0.5, 0.6, 0.56, 0.5], [0, 3, 2, 1], [0, 0, 0, 0]),  # the reward falls too
        ("max", [0.6, 0.5, 0.7, 0.5], [0, 1, 2, 3], [0, 0.1, 0, 0.2]),
    ],
)
def test_the_fall_is_counted_from_the_best_while_the_reward_is_higher(mode, scores, rewards, falls):
    watch, found = RewardWatch("val/toy/X", mode, window=1), []
    for score, reward in zip(scores, rewards, strict=True):
        watch.recent = [[float(reward), 1.0, 1.0, 1.0, 0.0]]
        run = SimpleNamespace(
            sanity_checking=False,
            callback_metrics={"val/toy/X": torch.tensor(score)},
            global_step=0,
            is_global_zero=True,
            loggers=[],
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            watch.on_validation_end(run, None)
        found.append(watch.levels["fall"])
        assert watch.standing == (["fall"] if found[-1] > 0.05 else [])
    assert found == pytest.approx(falls)


def test_a_window_of_none_is_refused():
    with pytest.raises(ConfigError, match="`window` is 0"):
        RewardWatch(window=0)
