"""Clips of a test as they are and under conditions: one question, one truth, other sound."""

import json

import pytest
import torch

from emolit.corpora.manifest import Manifest
from emolit.corpora.mixture import Mixture
from emolit.data.dataset import LoaderSettings
from emolit.errors import ConfigError
from emolit.prompts.direct import Direct
from emolit.prompts.variation import PromptVariation
from tests.command import emolit
from tests.fakes.tones import write_tones

NOISE = "class_path: audiomentations.AddGaussianSNR, init_args: {max_snr_db: 5, p: 1.0}"
SAME = "class_path: audiomentations.Gain, init_args: {min_gain_db: 0, max_gain_db: 0, p: 1.0}"


def noise(samples, rate):
    return samples + 0.1 * torch.randn(len(samples)).numpy()


def half(samples, rate):
    return samples[: len(samples) // 2]


def corpus(root, mixed=False, **settings):
    prompt = Direct(variation=PromptVariation(paraphrases=("What? {options}", "Say. {options}")))
    conditions = {"noise": [noise], "short.noise": [half, noise]}
    loading = LoaderSettings(eval_batch_size=5, conditions=conditions, **settings)
    if mixed:
        return Mixture([Manifest("tones.csv")], str(root), prompt, loading=loading)
    return Manifest("tones.csv", root=str(root), prompt=prompt, loading=loading)


def served(data, stage="test"):
    data.prepare_data()
    data.setup("test")
    loaders = getattr(data, f"{stage}_dataloader")()
    batches = [batch for one in (loaders if data.name == "mixture" else [loaders]) for batch in one]
    return {
        (clip.corpus, clip.id): (clip, question, target, waveform)
        for batch in batches
        for clip, question, target, waveform in zip(
            batch.clips, batch.questions, batch.targets, batch.waveforms, strict=True
        )
    }


@pytest.mark.parametrize("mixed", [False, True])
def test_each_condition_is_a_corpus_of_the_same_clips_questions_and_truths(tmp_path, mixed):
    write_tones(tmp_path, speakers=4)
    data = corpus(tmp_path, mixed)
    found = served(data)
    names = ("tones", "tones-noise", "tones-short.noise")
    assert data.test_names == names
    assert data.names == ("tones",)
    clean = {name: row for (of, name), row in found.items() if of == "tones"}
    assert len(clean) == 8
    assert set(found) == {(of, name) for of in names for name in clean}
    assert len({question for _, question, *_ in clean.values()}) > 1
    for (of, name), (clip, question, target, waveform) in found.items():
        before = clean[name]
        assert (clip.label, clip.speaker, question, target) == (
            before[0].label, before[0].speaker, before[1], before[2],
        )  # fmt: skip
        assert torch.equal(waveform, before[3]) == (of == "tones")
        assert len(waveform) == len(before[3]) // (2 if of == "tones-short.noise" else 1)
    whole, short = (found[of, min(clean)][3] for of in names[1:])
    assert not torch.equal(whole[: len(short)], short)  # each condition draws for itself
    for stage in ("val", "predict"):
        assert {of for of, _ in served(corpus(tmp_path, mixed), stage)} == {"tones"}


def test_all_runs_hear_the_same_in_any_number_of_workers_unless_loading_has_a_seed(
    tmp_path, monkeypatch
):
    write_tones(tmp_path, speakers=4)
    found = []
    for run, settings in ((0, {}), (1, {"num_workers": 1}), (1, {"seed": 1})):
        monkeypatch.setenv("PL_GLOBAL_SEED", str(run))
        found.append({key: row[3] for key, row in served(corpus(tmp_path, **settings)).items()})
    first, again, other = found
    assert all(torch.equal(again[key], first[key]) for key in first)
    assert {of for of, name in first if torch.equal(other[of, name], first[of, name])} == {"tones"}


@pytest.mark.parametrize(
    ("name", "transforms"), [("5 dB", [noise]), ("a/b", [noise]), ("..", [noise]), ("a", [])]
)
def test_what_cannot_be_a_key_or_changes_nothing_is_refused(name, transforms):
    with pytest.raises(ConfigError, match=rf"`loading\.conditions` has '{name}' with "):
        LoaderSettings(conditions={name: transforms})


def test_a_test_scores_and_writes_by_condition(tmp_path, nano_folder):
    write_tones(tmp_path, speakers=4)
    (tmp_path / "noisy.yaml").write_text(
        "data: {init_args: {loading: {conditions: "
        f"{{same: [{{{SAME}}}], noise: [{{{NOISE}}}]}}}}}}}}"
    )
    (tmp_path / "test.yaml").write_text(f"""
trainer: {{default_root_dir: {tmp_path / "run"}, accelerator: cpu, enable_progress_bar: false}}
prompt: Direct
data:
  class_path: Mixture
  init_args:
    root: {tmp_path}
    corpora: [{{class_path: Manifest, init_args: {{path: tones.csv}}}}]
model:
  class_path: SupervisedFinetuning
  init_args:
    policy: {{class_path: Nano, init_args: {{checkpoint: {nano_folder}}}}}
    evaluator: {{class_path: Categorical, init_args: {{confidence: [OptionProbability]}}}}
    sampling: {{max_tokens: 4}}
    optimizer: {{class_path: torch.optim.SGD, init_args: {{lr: 0.1}}}}
""")
    emolit("test", "--config", tmp_path / "test.yaml", "--config", tmp_path / "noisy.yaml")
    folder = tmp_path / "run" / "test"
    scores = json.loads((folder / "scores.json").read_text())["corpora"]
    assert list(scores) == ["tones", "tones-same", "tones-noise"]
    assert all(entry["n"] == 8 and entry["UA_interval"] for entry in scores.values())
    assert [entry.get("condition") for entry in scores.values()] == [None, "same", "noise"]
    assert scores["tones-noise"]["heard_of"] == "tones"
    rows = {
        name: [*map(json.loads, (folder / f"predictions-{name}.jsonl").read_text().splitlines())]
        for name in scores
    }
    same, noisy = (
        [
            one["probabilities"] == other["probabilities"]
            for one, other in zip(rows["tones"], rows[name], strict=True)
        ]
        for name in ("tones-same", "tones-noise")
    )
    assert all(same)
    assert not any(noisy)
