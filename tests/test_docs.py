"""The documents: short where they are read first, with working links and existing commands."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from emotion_core import project
from emotion_core.cli.main import parser
from emotion_core.errors import ReportError

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "tests/*/README.md", "emotion_core/bundles/*/README.md")
    for path in ROOT.glob(pattern)
)


def anchors(document: Path) -> set[str]:
    """The names of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if re.match(r"https?://", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("document", DOCUMENTS)
def test_pictures_are_there_and_told_in_words(document: str) -> None:
    text = (ROOT / document).read_text()
    for source in re.findall(r'(?:src|srcset)="([^"]+)"', text):
        assert (ROOT / document).parent.joinpath(source).is_file(), source
    for tag in re.findall(r"<img [^>]*>", text):
        assert re.search(r'alt="[^"]{20,}"', tag), tag
    assert "![](" not in text


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_exist(document: str) -> None:
    """Every command line parses: its command, its options, their values."""
    text = (ROOT / document).read_text().replace("\\\n", " ")
    lines = [line for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    options = "--data fer2013.csv --precision mixed_bfloat16 --out my-model"
    for line in lines:
        if " -m emotion_core " in line and not line.startswith("#"):
            words = shlex.split(line.partition(" -m emotion_core ")[2].replace("$OPTIONS", options), comments=True)
            assert parser().parse_args(words).run, line
    sessions = re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(), re.MULTILINE)
    for name in re.findall(r"nox -s (\w+)", text):
        assert name in sessions


def test_what_security_says_is_tested() -> None:
    """Every named test exists, by file, class and name; and every row names one."""
    security = (ROOT / "SECURITY.md").read_text()
    places = re.findall(r"`((?:\w+/)?(?:test_\w+|\w+_server)(?:\.[\w.]+)?)`", security)
    for place in places:
        file, *names = place.split(".")
        text = (ROOT / "tests" / f"{file}.py").read_text()
        for name in names:
            assert re.search(rf"(class|def) {name}\b", text), place
    written = re.sub(r"<!-- table.*?/table -->", "", security, flags=re.DOTALL)  # not what was recorded
    # The bounds that are added up have one test together.
    rows = re.findall(r"^\| (?!attack|promise|what|---)(.*[^\d ]) \|$", written, re.MULTILINE)
    assert len(rows) > 30
    for row in rows:
        *_, tests = row.split(" | ")
        assert re.search(r"`(\w+/)?test_\w+", tests), row


class TestReadme:
    text = (ROOT / "README.md").read_text()

    def test_it_is_short(self) -> None:
        assert len(self.text.splitlines()) <= 150

    def test_its_commands_are_those_of_ci(self) -> None:
        """One line installs and passes the tests, and CI runs that line."""
        if not (ROOT / ".ci/run").is_file():
            pytest.skip("a copy without its CI")
        [command] = re.findall(r"<!-- tests -->\n```bash\n(.*)\n```", self.text)
        assert command in (ROOT / ".ci/run").read_text().splitlines()

    def test_nobody_is_shown_a_placeholder(self) -> None:
        assert "OWNER" not in self.text
        assert "OWNER" not in "".join(path.read_text() for path in (ROOT / "emotion_core/page").rglob("*.py"))


class TestAddress:
    @pytest.fixture
    def clone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The files that the address is written into, and the smallest bundle."""
        monkeypatch.setattr(project, "REPOSITORY", project.REPOSITORY)  # restores it at the end
        (tmp_path / "emotion_core").mkdir()
        shutil.copy(ROOT / "emotion_core/project.py", tmp_path / "emotion_core")
        for folder in ("training_notebooks", "emotion_core/bundles/fer2013-custom-cnn"):
            shutil.copytree(ROOT / folder, tmp_path / folder)
        return tmp_path

    def test_it_is_written_everywhere_and_taken_back(self, clone: Path) -> None:
        from emotion_core.reports.address import clone_command, notebook_table, write_address

        def files() -> dict[Path, bytes]:
            return {path: path.read_bytes() for path in clone.rglob("*") if path.is_file()}

        write_address(None, clone)
        unset = files()
        assert "](http" not in notebook_table()
        address = "https://github.com/somebody/faces"
        changed = write_address(address, clone)
        assert {path.suffix for path in changed} == {".py", ".ipynb", ".json"}
        assert len(changed) == 1 + len(project.NOTEBOOKS) + 1
        assert f'REPOSITORY: str | None = "{address}"' in (clone / "emotion_core/project.py").read_text()
        assert address in (clone / "emotion_core/bundles/fer2013-custom-cnn/README.md").read_text()
        assert f"git clone --depth 1 {address}" in clone_command()
        assert "github/somebody/faces/blob/main/training_notebooks/01_" in notebook_table()
        assert write_address(address, clone) == []
        write_address(None, clone)
        assert files() == unset

    def test_another_address_is_refused(self, clone: Path) -> None:
        from emotion_core.reports.address import write_address

        with pytest.raises(ReportError, match=r"https://github\.com/OWNER/NAME"):
            write_address("github.com/x", clone)
