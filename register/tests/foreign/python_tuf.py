"""Loads a published register with python-tuf (PyPI: tuf), the TUF project's own client.

    python3 -m venv venv && venv/bin/pip install tuf==7.0.1
    venv/bin/python register/tests/foreign/python_tuf.py register/tests/golden

Exits 0 if every target loads, and if the same repository is refused with one byte altered in any of its documents.
"""

import pathlib
import shutil
import sys
import tempfile

from tuf.api.exceptions import DownloadHTTPError, RepositoryError
from tuf.ngclient import FetcherInterface, Updater


class Folder(FetcherInterface):
    """Fetches from a folder, as a mirror would serve it."""

    def __init__(self, folder):
        self.folder = folder

    def _fetch(self, url):
        path = self.folder / url.rsplit("/", 1)[1]
        if not path.is_file():
            raise DownloadHTTPError("no such file", 404)
        yield path.read_bytes()


def load(folder, state):
    """Updates, downloads every target, and returns (root version, targets)."""
    root = (folder / "1.root.json").read_bytes()
    updater = Updater(
        metadata_dir=str(state), metadata_base_url="mirror:/", target_base_url="mirror:/",
        target_dir=str(state), fetcher=Folder(folder), bootstrap=root,
    )
    updater.refresh()
    trusted = updater._trusted_set
    names = list(trusted.targets.targets)
    for name in names:
        updater.download_target(updater.get_targetinfo(name))
    return trusted.root.version, trusted.timestamp.version, len(names)


def refused(what, folder, state, alter):
    with tempfile.TemporaryDirectory() as copy:
        copy = pathlib.Path(copy) / "mirror"
        shutil.copytree(folder, copy)
        alter(copy)
        try:
            load(copy, state)
        except RepositoryError as error:
            print(f"refused: {what}: {type(error).__name__}")
        else:
            sys.exit(f"python-tuf accepted {what}")


def flip(name):
    def alter(folder):
        path = folder / name
        data = bytearray(path.read_bytes())
        data[-10] ^= 1
        path.write_bytes(data)

    return alter


def main():
    folder = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as state:
        root, timestamp, targets = load(folder, pathlib.Path(state))
        print(f"loaded: root {root}, timestamp {timestamp}, {targets} targets")
    for name in ["timestamp.json", "2.snapshot.json", "2.targets.json", "2.root.json"]:
        with tempfile.TemporaryDirectory() as state:
            refused(f"an altered {name}", folder, pathlib.Path(state), flip(name))


if __name__ == "__main__":
    main()
