"""Pictures of the report for README and docs: three pages of the HTML and two of the PDF. Needs Chromium and pdftoppm."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader

DOCS = Path(__file__).parent
REPORT = DOCS.parent / "_report"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]
PDF_PAGES = {"pdf-title": "Made with ldeval", "pdf-results": "Figure 4.2:"}
"""Pages of the PDF, each by words that it alone, or it first, holds."""

COLOURS = 256


def main() -> None:
    """Take every picture anew."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    pdf = next(REPORT.glob("*.pdf"), None)
    if not program or not shutil.which("pdftoppm"):
        sys.exit("Chromium and pdftoppm are needed: install Debian's packages chromium and poppler-utils")
    if pdf is None:
        sys.exit("There is no report yet: run make report")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=FLAGS)
        wide = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
        take(wide, "index.html", "summary")
        take(wide, "chapters/validation.html#fig-rossi-curves", "page")
        wide.goto((REPORT / "chapters" / "validation.html").as_uri())
        wide.locator('.est[data-id="rossi/hazard_ratio/fin"]').first.click()
        wide.get_by_role("dialog").wait_for()
        save(wide, "provenance")
        dark = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="dark", reduced_motion="reduce")
        take(dark, "chapters/validation.html#sec-rossi", "validation-dark")
        browser.close()
    texts = [page.extract_text() for page in PdfReader(pdf).pages]
    for name, words in PDF_PAGES.items():
        number = next(place for place, text in enumerate(texts, start=1) if words in text)
        page = ["-png", "-r", "60", "-f", str(number), "-l", str(number), "-singlefile"]
        subprocess.run(["pdftoppm", *page, str(pdf), str(DOCS / name)], check=True)
        shrink(DOCS / f"{name}.png")


def take(page: Page, address: str, name: str) -> None:
    """Open a page of the report and take its picture."""
    page.goto(f"{REPORT.as_uri()}/{address}")
    page.wait_for_timeout(300)
    save(page, name)


def save(page: Page, name: str) -> None:
    """Take a picture of what is to be seen."""
    page.screenshot(path=DOCS / f"{name}.png", animations="disabled")
    shrink(DOCS / f"{name}.png")


def shrink(path: Path) -> None:
    """Keep few colours: text on paper needs no more."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder, Image.open(path) as picture:
        small = Path(folder) / path.name
        picture.convert("RGB").quantize(COLOURS).save(small, optimize=True)
        shutil.copyfile(small, path)


if __name__ == "__main__":
    main()
