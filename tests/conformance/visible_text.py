#!/usr/bin/env python3
"""Visible text of a rendered book, page by page, as JSON: visible_text.py RENDERED_FOLDER

Reads the HTML that Quarto writes, by its own class names. HTML that uses the same names (README.md here) can be read with it too.
"""

import json
import pathlib
import re
import sys

from lxml import html

DROP = (
    './/*[contains(@class,"quarto-title-meta") or contains(@class,"quarto-title-breadcrumbs") or contains(@class,"anchorjs-link")'
    ' or contains(@class,"code-copy-button") or contains(@class,"callout-icon-container") or contains(@class,"screen-reader-only")'
    " or self::style or self::script or self::nav]"
)


def norm(text):
    return re.sub(r"\s+", " ", text.replace("\xa0", " ").replace("\u200b", "")).strip()


def text(element):
    return norm(element.text_content())


def straight(quoted):
    return re.sub("[‘’“”]", '"', quoted)


def page(path):
    doc = html.fromstring(path.read_bytes().decode("utf-8"))
    main = doc.xpath("//main")[0]
    for element in main.xpath(DROP):
        element.drop_tree()
    headings = [
        h for h in main.xpath(".//h1|.//h2|.//h3|.//h4") if not h.xpath('ancestor::*[contains(@class,"callout")]')
    ]
    captions = main.xpath(".//figcaption")
    is_table = lambda c: "tbl" in (c.get("class") or "")
    maths = [e.text_content() for e in main.xpath('.//span[contains(@class,"math display")]')]
    title = next((text(h) for h in headings if "title" in (h.get("class") or "").split()), None)
    paragraphs = [
        p
        for p in main.xpath(".//p")
        if not p.xpath('ancestor::figcaption|ancestor::table|ancestor::section[contains(@class,"footnotes")]')
    ]
    return {
        "title": title,
        "headings": [[int(h.tag[1]), text(h)] for h in headings],
        "figure_captions": [text(c) for c in captions if not is_table(c)],
        "table_captions": [text(c) for c in captions if is_table(c)]
        + [text(c) for c in main.xpath(".//table/caption")],
        "cross_references": [text(a) for a in main.xpath('.//a[contains(@class,"quarto-xref")]')],
        "callout_titles": [text(c) for c in main.xpath('.//*[contains(@class,"callout-title-container")]')],
        "tables": [
            [[text(c) for c in row.xpath("./th|./td")] for row in t.xpath(".//tr")] for t in main.xpath(".//table")
        ],
        "images": [i.get("alt") or "" for i in main.xpath(".//img")],
        "code": [c.text_content().strip() for c in main.xpath('.//pre[contains(@class,"sourceCode")]')],
        "equations": [m.group(1) for m in (re.search(r"\\tag\{(.*?)\}", e) for e in maths) if m],
        "footnotes": [
            re.sub(r"\s*↩︎?$", "", text(f)) for f in main.xpath('.//section[contains(@class,"footnotes")]//li')
        ],
        "bibliography": [straight(text(b)) for b in main.xpath('.//div[contains(@class,"csl-entry")]')],
        "paragraphs": [t for t in map(text, paragraphs) if t and not re.search(r"\\(log|beta|tag|lambda|top)", t)],
    }


if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1])
    pages = [p for p in sorted(root.rglob("*.html")) if "site_libs" not in p.parts and p.name != "search.html"]
    json.dump({str(p.relative_to(root)): page(p) for p in pages}, sys.stdout, indent=1, ensure_ascii=False)
