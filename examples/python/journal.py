"""What this worker has done, line by line in its file in the folder JOURNAL, where that is set."""

import os

_folder = os.environ.get("JOURNAL")
_file = open(os.path.join(_folder, os.environ["DROVER_WORKER_ID"]), "a") if _folder else None


def journal(line: str) -> None:
    if _file is not None:
        print(line, file=_file, flush=True)
