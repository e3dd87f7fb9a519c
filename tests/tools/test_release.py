import io
import subprocess
import tarfile
import zipfile

import pytest
import release

GOOD = """# Changelog

Words.

## Unreleased

### Fixed
- One.

## 0.2.0 - 2026-12-01

### Added
- A thing,
  told at length.
- Another.

### Results
- 1 -> 2.

## 0.1.0 - 2026-11-01

### Added
- All.
"""


def test_a_good_changelog_has_no_problems():
    assert release.problems(GOOD, "0.2.0") == []


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("0.2.0 - 2026-12-01", "0.2.1 - 2026-12-01", "the newest section is not 0.2.0"),
        ("## 0.2.0 - 2026-12-01", "## 0.2.0", "no `1.2.3 - YYYY-MM-DD`"),
        ("0.1.0 - 2026-11-01", "0.3.0 - 2026-11-01", "not in order"),
        ("0.1.0 - 2026-11-01", "0.2.0 - 2026-11-01", "not in order"),
        ("0.1.0 - 2026-11-01", "Unreleased", "nor the first"),
        ("### Results", "### Added", "unknown, twice or out of order"),
        ("### Results", "### News", "'News'] one is unknown"),
        ("### Fixed\n- One.", "### Fixed", "Unreleased, Fixed: there is no entry"),
        ("### Fixed\n- One.", "", "Unreleased: there is no entry"),
        ("### Fixed\n- One.", "- One.", "'- One.' stands below no heading"),
        ("  told at", "told at", "begins neither"),
        ("- Another.", "Another.", "begins neither"),
        ("### Added\n- A thing", "### Fixed\n- X.\n\n### Added\n- A thing", "out of order"),
    ],
)
def test_a_fault_in_a_changelog_is_found(right, wrong, said):
    assert GOOD.count(right)
    (found, *_) = release.problems(GOOD.replace(right, wrong, 1), "0.2.0")
    assert said in " ".join([found, *_])


def test_the_changelog_waits_for_nothing_but_its_version():
    text = (release.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    own = release.version((release.ROOT / "emolit/__init__.py").read_text(encoding="utf-8"))
    assert [each for each in release.problems(text, own) if "newest section" not in each] == []


def sdist(path, times, owner):
    with tarfile.open(path, "w:gz") as packed:
        for name, time in times:
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.uname = 3, time, owner
            packed.addfile(member, io.BytesIO(b"abc"))
    return path


def test_an_sdist_packed_again_depends_on_names_and_contents_alone(tmp_path):
    one = sdist(tmp_path / "a.tar.gz", [("x", 1.5), ("y", 2)], "ann")
    other = sdist(tmp_path / "b.tar.gz", [("y", 7), ("x", 9)], "bob")
    assert one.read_bytes() != other.read_bytes()
    for path in (one, other):
        release.repack(path, 1_000_000_000)
    assert one.read_bytes() == other.read_bytes()
    with tarfile.open(one) as packed:
        assert [(each.name, each.mtime) for each in packed] == [("x", 1e9), ("y", 1e9)]
        assert packed.extractfile("y").read() == b"abc"


def test_files_that_differ_are_named(tmp_path):
    for name, content in (("one/a", b"1"), ("two/a", b"2"), ("one/b", b"3"), ("two/b", b"3")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert release.differing(*(sorted((tmp_path / each).iterdir()) for each in ("one", "two"))) == [
        "a"
    ]


@pytest.mark.slow
def test_two_builds_are_the_same_bytes_and_hold_what_is_committed(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "another").mkdir()
    first = release.build(tmp_path / "one", "1")
    second = release.build(tmp_path / "another", "2")
    assert [path.suffix for path in first] == [".whl", ".gz"]
    assert release.differing(first, second) == []
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", "HEAD", "emolit"],
        cwd=release.ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    with zipfile.ZipFile(first[0]) as wheel:
        assert {*listed} - {"emolit/configs"} <= {*wheel.namelist()}  # a link, followed
