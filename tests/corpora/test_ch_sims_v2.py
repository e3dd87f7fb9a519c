import shutil
from collections import Counter

import pytest

from emolit.corpora.ch_sims import ChSims
from emolit.corpora.ch_sims_v2 import RELEASE, ChSimsV2
from emolit.corpora.mixture import Mixture
from emolit.errors import CorpusError
from tests.corpora.test_polarity import set_up
from tests.fakes.sentiment import sims_parts, write_cuts, write_labels

pytestmark = pytest.mark.filterwarnings("ignore:.* clips, the release has")


def test_cuts_and_labels_stand_in_the_folder_of_the_labeled_part(tmp_path):
    write_cuts(tmp_path / "ch_sims_v2" / RELEASE / "Raw", sims_parts())
    write_labels(tmp_path / "ch_sims_v2" / RELEASE / "meta.csv", sims_parts())
    corpus = set_up(tmp_path, ChSimsV2)
    assert corpus.censuses[0].counts == {"train": 21, "val": 3, "test": 6}
    assert corpus.clips("test")[0].path.startswith("ch-simsv2s/Raw/video_")


def test_both_versions_together_are_refused(tmp_path):
    write_cuts(tmp_path / "ch_sims_v2" / RELEASE / "Raw", sims_parts())
    write_labels(tmp_path / "ch_sims_v2" / RELEASE / "meta.csv", sims_parts())
    write_cuts(tmp_path / "ch_sims" / "Raw", sims_parts())
    write_labels(tmp_path / "ch_sims" / "label.csv", sims_parts())
    with pytest.raises(CorpusError, match="'ch_sims' and 'ch_sims_v2' both have the clip 'video_"):
        Mixture([ChSims(), ChSimsV2()], root=str(tmp_path)).setup()


@pytest.fixture
def real(shared, tmp_path):
    for kind, name in ((ChSims, "sims"), (ChSimsV2, "simsv2")):
        source = shared / "annotations" / "merbench" / f"{name}-process"
        shutil.copytree(source, tmp_path / kind.name)
    return tmp_path


def test_real_labels_are_as_they_were_counted_and_hold_the_first_version(real):
    clips = list(ChSimsV2(modality="multimodal").read(real / "ch_sims_v2"))
    assert len(clips) == ChSimsV2.size
    assert Counter(clip.split for clip in clips) == {"train": 2722, "val": 647, "test": 1034}
    videos = {part: {c.speaker for c in clips if c.split == part} for part in ("train", "test")}
    assert (len(videos["test"]), len(videos["test"] & videos["train"])) == (145, 128)
    assert len({clip.speaker for clip in clips}) == 152
    older = {
        clip.id: (clip.split, clip.sentiment)
        for clip in ChSims(modality="multimodal").read(real / "ch_sims")
    }
    newer = {clip.id: (clip.split, clip.sentiment) for clip in clips}
    assert older.items() <= newer.items()
