"""The preview: loopback only, builds what changed, wakes the page, shows faults in it, stops on Ctrl-C."""

import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest
from books import write_book

from ldeval.publish import preview
from ldeval.publish.preview import HOST, NEWS, State, sources


@pytest.fixture
def book(tmp_path):
    return write_book(tmp_path / "a book", {"a.qmd": "# A\n\nFirst text.\n"})


@pytest.fixture
def served(book):
    """Run `ldeval preview` as a user does; give its address and its process."""
    command = [sys.executable, "-u", "-m", "ldeval", "preview", str(book), "--port", "0"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background has its children ignore it
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    signal.signal(signal.SIGINT, before)
    address = re.search(rf"http://{HOST}:\d+", process.stdout.readline())[0]
    yield address, process
    process.kill()
    process.wait()
    process.stdout.close()


def read(address, **headers):
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=60) as answer:
        return answer.read().decode()


def until(process, words):
    for line in process.stdout:
        if words in line:
            return
    raise AssertionError(f"the preview ended without saying {words!r}")


def test_a_change_is_built_and_wakes_the_page_and_a_fault_is_shown_in_it(book, served):
    address, process = served
    until(process, "Built")
    page = read(f"{address}/a.html")
    assert "First text." in page
    assert NEWS in page
    assert NEWS not in (book / "_report" / "a.html").read_text()
    (book / "a.qmd").write_text("# A\n\nSecond text, see @fig-nowhere.\n")
    assert read(f"{address}{NEWS}?seen=1") == "2"
    shown = read(f"{address}/a.html")
    assert "@fig-nowhere leads nowhere" in shown
    assert 'role="alert"' in shown
    (book / "a.qmd").write_text("# A\n\nThird text.\n")
    assert read(f"{address}{NEWS}?seen=2") == "3"
    assert "Third text." in read(f"{address}/a.html")
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=20)
    assert "Preview stopped" in rest
    assert "Traceback" not in rest
    assert process.returncode == 0


def test_another_host_name_is_refused_and_what_is_not_there_is_not_found(served):
    address, process = served
    until(process, "Built")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        read(f"{address}/a.html", Host="example.org")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        read(f"{address}/nothing.html")


def test_a_page_that_waits_is_let_go_when_the_preview_stops():
    state = State()
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(state.wait(0)))
    waiting.start()
    time.sleep(0.05)
    state.close()
    waiting.join(timeout=5)
    assert answers == [0]


def test_what_a_build_writes_is_no_change(book):
    before = sources(book, book / "_report")
    for made in ("_report/x.html", "_report.abc.new/x.html", "_build/x.json", "_results/x.csv"):
        (book / made).parent.mkdir(parents=True, exist_ok=True)
        (book / made).write_text("made")
    assert sources(book, book / "_report") == before
    (book / "new.qmd").write_text("# New\n")
    assert sources(book, book / "_report") != before


def test_it_listens_on_loopback_alone():
    assert preview.HOST == "127.0.0.1"
