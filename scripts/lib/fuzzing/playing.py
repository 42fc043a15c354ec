"""One target in this process, for some seconds: `python -m fuzzing.playing TARGET SECONDS FOLDER`.

Ends with 0 where all was well; else the input that broke it is in the folder.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["antiphon_server"]):
    from fuzzing.seeds import seeds
    from fuzzing.targets import TARGETS

#: Bytes of an input: what is longer finds nothing that a shorter one does not.
LONGEST = 4096
#: Seconds after which one input is a bug.
SLOW = 10


def main(target: str, seconds: str, folder: str) -> None:
    corpus = Path(folder) / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(target)):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-timeout={SLOW}",
        # It looks at the most memory that a process ever had, in which Linux counts what its starter had.
        "-rss_limit_mb=0",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
