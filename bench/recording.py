"""What every recorded file says about where its numbers come from. Used by bench/record and bench/scale."""
import datetime
import json
import os
import pathlib
import platform
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"


def program():
    return os.environ.get("PROGRAM", str(ROOT / "build" / "release" / "tailmargin"))


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.strip()


def processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def provenance(command):
    """Machine, commit, and the command as a reader would type it."""
    changed = output("git", "status", "--porcelain", "--untracked-files=no")
    return {
        "date": datetime.date.today().isoformat(),
        "commit": output("git", "rev-parse", "HEAD") + (" with changes" if changed else ""),
        "command": command,
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "system": platform.platform(),
        "info": json.loads(output(program(), "info", "--json")),
    }


def write(name, record):
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / f"{name}.json"
    file.write_text(json.dumps(record, indent=2) + "\n")
    return file.relative_to(ROOT)
