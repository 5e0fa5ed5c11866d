"""Valid and invalid requests generated from the OpenAPI document: every answer is a documented one."""

import re
import subprocess
import sys
from pathlib import Path

from emotion_core import EmotionRecognizer, Settings
from support.rest_server import LineCounter, serving

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "missing_required_header",
)


def test_made_up_requests_meet_the_document(recognizer: EmotionRecognizer, tmp_path: Path) -> None:
    counter = LineCounter()
    counter.go.set()
    with serving(recognizer, Settings(rate_limit=0), counter) as url:
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "--checks", ",".join(CHECKS)]
        command += ["--max-examples", "12", "--phases", "examples,coverage,fuzzing", "--seed", "1", "--no-color"]
        command += ["--suppress-health-check", "all", "--request-timeout", "60", "--mode", "all"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    counts = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert counts is not None, done.stdout[-3000:]
    assert counts[1] == counts[2]
    assert int(counts[1]) > 100
