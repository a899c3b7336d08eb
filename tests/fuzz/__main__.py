"""Let a coverage-guided fuzzer at one source: `python -m tests.fuzz stripe --seconds 60`.

Needs atheris, which is no dependency (it has no wheel for every Python): `pip install atheris`.
It begins with what the fakes say, and mutates it with a plan and without. Whatever breaks a law of
`translate` is kept in tests/fuzz/finds/SOURCE, where tests/fuzz/test_finds.py tries it for ever.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

FINDS = Path(__file__).with_name("finds")


def fuzz(name, seconds, folder):
    """Fuzz in this process, which libFuzzer ends."""
    import atheris

    with atheris.instrument_imports(include=["voidtrail.sources"]):
        from tests.contract.genuine import changed
        from tests.fuzz.trial import of, spelled, trial

    known = of(name)
    for number, delivery in enumerate(known):
        (folder / f"genuine-{number}").write_bytes(spelled(number, delivery.body))

    def mutated(data, max_size, seed):
        if known and data and random.Random(seed).random() < 0.5:
            place = data[0] % len(known)
            like = msgspec.structs.replace(known[place], body=bytes(data[1:]))
            return spelled(place, changed(like, seed, known).body)[:max_size]
        return atheris.Mutate(data, max_size)

    found = FINDS / name
    found.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", "-max_len=20000", f"-artifact_prefix={found}/",
               "-print_final_stats=1", "-verbosity=0", "-timeout=10"]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(folder)], lambda data: trial(name, data),
                  custom_mutator=mutated)  # fmt: skip
    atheris.Fuzz()


def main():
    """Fuzz sources one after another, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", nargs="*", help="all if none is named")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--here", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.here:
        fuzz(asked.source[0], asked.seconds, Path(asked.here))
        return 0
    try:
        import atheris
    except ImportError:
        sys.stderr.write("atheris is not installed: pip install atheris\n")
        return 3
    del atheris
    from voidtrail.sources.registry import SOURCES

    broken = []
    for name in asked.source or sorted(SOURCES):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-m", "tests.fuzz", name, "--seconds", str(asked.seconds),
                 "--here", folder], capture_output=True, text=True, check=False,
                env={**os.environ, "PYTHONHASHSEED": "0"},
            )  # fmt: skip
        tried = [line.split()[1] for line in done.stderr.splitlines()
                 if line.startswith("stat::number_of_executed_units")]  # fmt: skip
        sys.stdout.write(f"{name}: {tried[0] if tried else '?'} tried, exit {done.returncode}\n")
        sys.stdout.flush()
        if done.returncode:
            broken.append(name)
            sys.stdout.write((done.stdout + done.stderr)[-3000:] + "\n")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
