"""Brings a study's records up to date, stage by stage: the twin (where there are no real extracts), links, features.

Each stage is run again when what it depends on changed: the code of the data room, the lock, the part of the protocol that it
reads, and the stage before it. What it made is kept in `_build/records/`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from ldeval.data.folders import MANIFEST, features_folder, links_folder, truth_folder
from ldeval.root import LOCK_FILE
from ldeval.study import Study

RECORDS = Path("_build") / "records"
ROOM = Path(__file__).parent
TWIN_FILE = Path("data") / "twin.toml"

DECLARED = ("declaration", "extracts_*", "folders", "sources")
CODE = {
    "twin": (*DECLARED, "synthetic*", "twin_*"),
    "links": (*DECLARED, "engine*", "files", "linkage*"),
    "features": (*DECLARED, "engine*", "files", "linked", "windows", "cohort", "features*"),
}
"""The modules on which each stage depends."""

STAMP = "features.stamp"
KNOWN = RECORDS / "extracts.json"
"""The last fingerprint of real extracts, and the state of the files that it was taken from."""

Say = Callable[[str], None]
Tell = Callable[[int, int], None]
"""Called with the parts done and the parts in all."""


def prepare(
    root: Path, study: Study, *, link_set: int = 0, say: Say = lambda _: None, tell: Tell = lambda _done, _all: None
) -> Path:
    """Give the folder of features of the study in `root`, made anew as far as needed.

    `link_set` 0 is the best linkage, 1 to 5 those drawn by probability, under which the people of the study are made alone.
    `say` is told what is done, `tell` how far the longest stage has come.

    Raises:
        FileNotFoundError: the folder of extracts is not there.
        ValueError: extracts that cannot be read as declared.

    """
    extracts = _extracts(root, study, say, tell)

    def link() -> None:
        from ldeval.data.linkage import link_folder

        link_folder(extracts, study, say=say)

    def feature() -> None:
        from ldeval.data.features import features_of_folder, people_of_folder

        (people_of_folder if link_set else features_of_folder)(extracts, study, link_set, say=say)

    _stage(links_folder(extracts) / "linked.stamp", _linked(root, study), link)
    made = features_folder(extracts, link_set)
    _stage(made / STAMP, _featured(root, study, link_set), feature)
    return made


def stale(root: Path, study: Study, link_set: int) -> bool:
    """Say whether the features under a set of links are still to be made, where the extracts and the links are there."""
    stamp = features_folder(extracts_folder(root, study), link_set) / STAMP
    return not _is_done(stamp, _featured(root, study, link_set))


def _linked(root: Path, study: Study) -> str:
    state = _state(extracts_folder(root, study))
    return digest([_code(root, "links"), state, study.linkage.model_dump_json(), _protocol(study)])


def _featured(root: Path, study: Study, link_set: int) -> str:
    return digest([_linked(root, study), _code(root, "features"), study.cohort.model_dump_json(), str(link_set)])


def extracts_folder(root: Path, study: Study) -> Path:
    """Give the folder of extracts: the twin's own, or that which the protocol names (relative to the study)."""
    if study.data.source != "twin":
        return (root / study.data.source).resolve()
    twin = study.data.twin
    return root / RECORDS / f"{twin.name}-{twin.seed}-{twin.users}"


def in_words(study: Study) -> str:
    """Say what the records are, without a path of the machine that they are on."""
    if study.data.source != "twin":
        return "Extracts of linked records, in the folder that study.toml names"
    twin = study.data.twin
    return f"Synthetic twin {twin.name!r}, seed {twin.seed}, {twin.users:,} users expected: people who do not exist"


def fingerprint(root: Path, study: Study) -> str:
    """Give the SHA-256 of the extracts' names and contents: a twin's from its manifest, real ones' as last taken.

    Real extracts are read again only when the name, size or time of one of their files changed.

    Raises:
        FileNotFoundError: the folder of extracts is not there, or the twin has not been made.

    """
    folder = extracts_folder(root, study)
    if study.data.source == "twin":
        manifest = json.loads((truth_folder(folder) / MANIFEST).read_text(encoding="utf-8"))
        return str(manifest["sha256"])
    _there(folder)
    from ldeval.data.synthetic import fingerprint as content_of

    state = digest([str(folder), _state(folder)])
    known = root / KNOWN
    last = json.loads(known.read_text(encoding="utf-8")) if known.is_file() else {}
    if last.get("state") != state:
        last = {"state": state, "sha256": content_of(folder)}
        known.parent.mkdir(parents=True, exist_ok=True)
        known.write_text(json.dumps(last), encoding="utf-8")
    return str(last["sha256"])


def digest(parts: Iterable[str]) -> str:
    """Give one SHA-256 over several texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _extracts(root: Path, study: Study, say: Say, tell: Tell) -> Path:
    folder = extracts_folder(root, study)
    if study.data.source != "twin":
        _there(folder)
        return folder
    from ldeval.data.synthetic_blocks import Design

    twin = study.data.twin
    design = Design(twin.name, twin.seed, twin.users)

    def simulate() -> None:
        from ldeval.data.synthetic import write_twin

        say(in_words(study))
        write_twin(design, folder, processes=os.cpu_count() or 1, progress=tell)

    _stage(truth_folder(folder) / "twin.stamp", digest([_code(root, "twin"), str(design)]), simulate)
    return folder


def _there(folder: Path) -> None:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder of extracts; mend [data] source in study.toml")


def _stage(stamp: Path, inputs: str, work: Callable[[], object]) -> None:
    """Do the work unless the stamp says that it was done from these inputs."""
    if _is_done(stamp, inputs):
        return
    stamp.unlink(missing_ok=True)
    work()
    stamp.write_text(inputs, encoding="utf-8")


def _is_done(stamp: Path, inputs: str) -> bool:
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == inputs


def _code(root: Path, stage: str) -> str:
    modules = sorted({path for pattern in CODE[stage] for path in ROOM.glob(f"{pattern}.py")})
    files = [*modules, root / LOCK_FILE, *([root / TWIN_FILE] if stage == "twin" else [])]
    return digest(hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file())


def _state(folder: Path) -> str:
    """Give the names, sizes and times of the extracts' files: contents may be too large to read at every build."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return json.dumps([(path.relative_to(folder).as_posix(), path.stat().st_size, path.stat().st_mtime_ns) for path in files])


def _protocol(study: Study) -> str:
    return json.dumps([study.study.model_dump(mode="json"), study.data.model_dump(mode="json")])
