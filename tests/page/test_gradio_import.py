"""What Gradio does not do when the page's process imports it."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.processes import ROOT, importing

#: Counts how often Gradio parses its own sources while the page is imported, and prints where stubs would be written.
_SCRIPT = """
import ast, sys
parse, parsed = ast.parse, []

def counted(*arguments, **more):
    parsed.append(sys._getframe(1).f_globals["__name__"])
    return parse(*arguments, **more)

ast.parse = counted
import app, gradio
assert "gradio.component_meta" in sys.modules
print(parsed.count("gradio.component_meta"), sys.modules["emotion_core.page.components"].__file__)
"""


def test_no_source_is_parsed_and_no_stub_is_written() -> None:
    """Of 170 of them: two fifths of the time that importing Gradio takes."""
    command = [sys.executable, "-c", _SCRIPT]
    done = subprocess.run(command, env=importing(), cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    count, file = done.stdout.split()
    assert int(count) == 0
    assert not Path(file).with_suffix(".pyi").exists()


def test_what_the_page_does_not_use_is_not_imported() -> None:
    """Where it is installed: a second, and 24 megabytes."""
    script = "import sys, app; print([name for name in ('mcp', 'matplotlib', 'tensorflow') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], env=importing(), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "[]")
    whole = "import sys, app, mcp; print(mcp.__file__)"
    pytest.importorskip("mcp")
    subprocess.run([sys.executable, "-c", whole], env=importing(), cwd=ROOT, check=True)
