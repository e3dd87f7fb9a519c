import pytest

from emolit.corpora.mer_caption import MerCaption
from tests.corpora.test_mer import Words, set_up
from tests.fakes.mer import write_open


@pytest.mark.filterwarnings("ignore:'mer_caption' in .* has 30 clips, the release has 31327")
def test_clips_without_label_make_batches_with_targets(tmp_path):
    """What supervised finetuning on MER-Caption+ imitates are words."""
    write_open(tmp_path / "mer2025", "mercaptionplus")
    corpus = set_up(tmp_path, MerCaption, prompt=Words())
    batch = next(iter(corpus.train_dataloader()))
    assert batch.options == ()
    assert batch.targets == tuple(", ".join(clip.words) for clip in batch.clips)
    assert all(len(waveform) for waveform in batch.waveforms)
    assert sum(len(batch) for batch in corpus.val_dataloader()) == 3
