"""CITATION.cff is CFF 1.2.0 and says what README says."""

from pathlib import Path

import yaml

import emolit

ROOT = Path(__file__).parents[1]
GIVEN = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAPERS = {"EMO-RL": "2509.15654", "MECap-R1": "2509.18729", "AffectGPT-RL": "2605.06126"}


def test_what_the_format_asks_for_is_there():
    assert GIVEN["cff-version"] == "1.2.0"
    assert all(isinstance(GIVEN[key], str) for key in ("message", "title", "license"))
    assert GIVEN["authors"] == [{"name": "emolit contributors"}]
    assert GIVEN["type"] == "software"


def test_the_version_is_that_of_the_package():
    assert GIVEN["version"] == emolit.__version__


def test_the_papers_are_those_of_readme_by_their_arxiv_ids():
    found = {}
    for paper in GIVEN["references"]:
        [identifier] = paper["identifiers"]
        number = identifier["value"].removeprefix("arXiv:")
        assert paper["url"] == f"https://arxiv.org/abs/{number}"
        found[paper["title"].partition(":")[0]] = number
    assert found == PAPERS
    assert all(f"{name} ({number})" in README for name, number in PAPERS.items())


def test_each_author_has_a_name_and_no_doi_is_made_up():
    people = [author for paper in GIVEN["references"] for author in paper["authors"]]
    assert all(author.keys() == {"family-names", "given-names"} for author in people)
    assert "doi" not in str(GIVEN)
