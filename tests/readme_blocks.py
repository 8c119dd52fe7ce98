"""Run the shell blocks of pages as a newcomer would: python tests/readme_blocks.py PAGE ... (or `make test-readme`).

The repository is copied, without environment, books and reports, and the ```sh blocks of the pages run in it one after
the other in one shell; a block that stands on several pages runs once. Only `make test` is left out: CI runs it by itself.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^( *)```sh\n(.*?)^\1```$", re.M | re.S)
LEFT_OUT = re.compile(r"^make test\b.*\n", re.M)


def shell_blocks(page):
    """Give the ```sh blocks of a Markdown page, in order, as they would be typed."""
    return [textwrap.dedent(block) for _, block in BLOCK.findall(page)]


def copy_repository(target):
    """Copy what git knows of, as it is now, into an empty folder."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def main(pages):
    """Run all blocks; give the exit code of the shell."""
    blocks = [block for page in pages for block in shell_blocks((ROOT / page).read_text("utf-8"))]
    script = LEFT_OUT.sub("", "\n".join(dict.fromkeys(blocks)))
    with tempfile.TemporaryDirectory(prefix="csnb-readme-") as folder:
        copy_repository(Path(folder))
        run = subprocess.run(["bash", "-euxc", script], cwd=folder, stdin=subprocess.DEVNULL, check=False)
        pages = sorted(path.name for path in Path(folder, "reports").glob("*.html"))
    print(f"{len(dict.fromkeys(blocks))} blocks, exit code {run.returncode}, {len(pages)} pages")
    return run.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
