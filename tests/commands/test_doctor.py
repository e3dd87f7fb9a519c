"""What a machine has and lacks, one line each."""

import subprocess
import sys
from importlib import metadata
from types import SimpleNamespace

import pytest

from emolit.commands import doctor
from emolit.commands.doctor import MISSING, NOTE, OK


def states(found):
    return [finding.state for finding in found]


def test_this_environment_is_whole_and_says_so(tmp_path):
    (tmp_path / "ravdess").mkdir()
    told = subprocess.run(
        [
            sys.executable,
            "-m",
            "emolit.commands.doctor",
            "--root",
            tmp_path,
            "--runs",
            tmp_path / "a/b",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "MISSING" not in told.stdout
    assert f"corpora in {tmp_path}: Ravdess" in told.stdout
    assert f"torch {metadata.version('torch')}" in told.stdout
    assert all(line.split()[0] in {"ok", "note"} for line in told.stdout.splitlines())


def test_a_library_that_is_not_there_is_missing_and_one_never_run_is_a_note(monkeypatch):
    wanted = ["torch>=1", "pytest<1", "no-such-thing>=2", 'extra-thing; extra == "video"']
    monkeypatch.setattr(metadata, "requires", lambda _: wanted)
    found = list(doctor.check_libraries())
    assert states(found) == [NOTE, MISSING, OK]
    assert "pytest" in found[0].text
    assert "<1" in found[0].text
    assert "no-such-thing is not installed; run `make install`" in found[1].text


def test_without_emolit_installed_the_next_step_is_said(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", absent)
    [finding] = doctor.check_libraries()
    assert finding.state == MISSING
    assert "make install" in finding.text


def test_a_folder_that_cannot_be_written_is_missing_and_a_cache_is_dispensable(
    tmp_path, monkeypatch
):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    [runs] = doctor.check_folder("runs", tmp_path)
    [cache] = doctor.check_folder("cache", tmp_path)
    assert (runs.state, cache.state) == (MISSING, NOTE)
    assert "Permission denied" in runs.text
    assert "default_root_dir" in runs.text


def test_a_full_disk_is_noted(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=1e9))
    [finding] = doctor.check_folder("runs", tmp_path / "not/yet")
    assert finding.state == NOTE
    assert "1.0 GB free, which is little" in finding.text
    assert not (tmp_path / "not").exists()


@pytest.mark.parametrize(
    ("driver", "cuda", "text"),
    [
        (None, "13.2", "no GPU"),
        ("535.1", None, "torch is built without CUDA"),
        ("535.1", "13.2", "install a newer driver"),
    ],
)
def test_a_card_that_torch_cannot_use_is_noted(monkeypatch, driver, cuda, text):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(doctor, "driver_version", lambda: driver)
    [finding] = doctor.check_gpu()
    assert finding.state == NOTE
    assert text in finding.text


def test_builds_that_do_not_fit_each_other_are_missing(monkeypatch):
    real = doctor.importlib.import_module

    def broken(name):
        if name == "torchaudio":
            raise OSError("libcudart.so.13: cannot open shared object file")
        return real(name)

    monkeypatch.setattr(doctor.importlib, "import_module", broken)
    found = list(doctor.check_torch())
    assert states(found) == [OK, MISSING]
    assert "TORCH=cpu" in found[1].text
