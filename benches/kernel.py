"""Times kernels on a notebook; started by kernel.sh, which says what is measured."""

import argparse
import os
import resource
import shutil
import statistics
import tempfile
import threading
import time
from pathlib import Path

import nbformat
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

COLUMNS = ["ready", "setup cell", "first use", "start to first use", "later cell", "whole notebook", "CPU", "memory MB"]
# What compiles a cell comes and goes: it is not the kernel's memory.
COMPILERS = ("rustc", "cargo", "cc", "ld", "mold", "collect2", "gcc")


class Memory(threading.Thread):
    """The most that a process and its children hold at one time, compilers left out, in MB (proportional set size)."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.peak, self.ended = process, 0.0, threading.Event()

    def run(self):
        while not self.ended.wait(0.25):
            self.peak = max(self.peak, self.held(self.process) / 1024)

    def held(self, process):
        try:
            folder = Path("/proc") / str(process)
            if (folder / "comm").read_text().strip().startswith(COMPILERS):
                return 0
            lines = (folder / "smaps_rollup").read_text().splitlines()
            own = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            children = (folder / "task" / str(process) / "children").read_text().split()
            return own + sum(self.held(child) for child in children)
        except (OSError, StopIteration):  # it has ended meanwhile
            return 0


def run(argv, notebook, environment):
    """Executes the notebook on a fresh kernel and returns its times in seconds, by column."""
    book = nbformat.read(notebook, as_version=4)
    manager = KernelManager()
    manager._kernel_spec = KernelSpec(
        argv=[*argv, "--control_file", "{connection_file}"],
        display_name="Rust",
        language="rust",
        interrupt_mode="message",
    )
    client = NotebookClient(book, km=manager, timeout=3600, startup_timeout=3600)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    cells = []
    try:
        with client.setup_kernel(cwd=str(Path(notebook).parent), env=environment):
            ready = time.monotonic() - start
            memory = Memory(manager.provisioner.pid)
            memory.start()
            for index, cell in enumerate(book.cells):
                if cell.cell_type != "code" or not cell.source.strip():
                    continue
                begun = time.monotonic()
                try:
                    client.execute_cell(cell, index)
                except CellExecutionError:
                    if not expects_error(cell):
                        raise
                cells.append((time.monotonic() - begun, time.monotonic() - start))
            whole = time.monotonic() - start
            memory.ended.set()
    finally:
        manager.shutdown_kernel()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "ready": ready,
        "setup cell": cells[0][0],
        "first use": cells[1][0],
        "start to first use": cells[1][1],
        "later cell": statistics.median(seconds for seconds, _ in cells[2:]),
        "whole notebook": whole,
        "CPU": cpu,
        "memory MB": memory.peak,
    }


def expects_error(cell):
    return "raises-exception" in cell.metadata.get("tags", []) or any(
        output.output_type == "error" for output in cell.outputs
    )


def link_tree(source, target):
    """A copy that shares the large compiled files."""

    def copy(a, b):
        if os.sep + "deps" + os.sep in a:
            os.link(a, b)
        else:
            shutil.copy2(a, b)

    shutil.copytree(source, target, copy_function=copy)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    parser.add_argument("--notebook", required=True)
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--stock")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--ours", action="store_true", help="our kernel alone, warm")
    options = parser.parse_args()

    outer = {name: value for name, value in os.environ.items() if not name.startswith(("COURSE_", "EVCXR_"))}
    outer["RUST_BACKTRACE"] = "0"
    ours = [options.kernel]
    ours_env = outer | {"COURSE_ROOT": options.root}
    if options.ours:
        stock, stock_env = None, None
    elif options.stock:
        stock, stock_env = [options.stock], outer
        print(f"stock: {options.stock}")
    else:
        stock, stock_env = ours, outer | {"COURSE_STOCK": "1"}
        print("stock: the course's own build of evcxr_jupyter, without its preparation (COURSE_STOCK=1)")
    print(f"notebook: {options.notebook}; medians of {options.repeats}; {os.cpu_count()} cores")

    scratch = Path(tempfile.mkdtemp(prefix="kernel-bench-"))
    times = {}

    def measure(name, argv, environment):
        took = run(argv, options.notebook, environment)
        times.setdefault(name, []).append(took)
        load = os.getloadavg()[0]
        print(f"  {name}: " + ", ".join(f"{key} {took[key]:.2f}" for key in COLUMNS) + f" (load {load:.1f})", flush=True)

    try:
        filled = scratch / "filled"
        filled.mkdir()
        if stock:
            # What stock compiles once, kept for its warm runs.
            run(stock, options.notebook, stock_env | {"EVCXR_TMPDIR": str(filled)})
        for number in range(options.repeats):
            if not stock:
                measure("ours, warm", ours, ours_env)
                continue
            cold = scratch / f"cache-{number}"
            measure("ours, cold", ours, ours_env | {"XDG_CACHE_HOME": str(cold)})
            shutil.rmtree(cold)
            measure("ours, warm", ours, ours_env)
            measure("stock, as met", stock, stock_env)
            warm = scratch / f"warm-{number}"
            link_tree(filled, warm)
            measure("stock, warm", stock, stock_env | {"EVCXR_TMPDIR": str(warm)})
            shutil.rmtree(warm)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)

    medians = {
        name: {key: statistics.median(took[key] for took in all_times) for key in COLUMNS}
        for name, all_times in times.items()
    }
    ratios = [
        ("stock as met / ours warm", "stock, as met", "ours, warm"),
        ("stock as met / ours cold", "stock, as met", "ours, cold"),
        ("stock warm / ours warm", "stock, warm", "ours, warm"),
    ]
    print()
    print("| seconds | " + " | ".join(COLUMNS) + " |")
    print("|---|" + "---:|" * len(COLUMNS))
    for name, row in medians.items():
        print(f"| {name} | " + " | ".join(f"{row[key]:.2f}" for key in COLUMNS) + " |")
    for label, slow, fast in ratios if stock else []:
        row = [medians[slow][key] / medians[fast][key] for key in COLUMNS]
        print(f"| {label} | " + " | ".join(f"{ratio:.1f} ×" for ratio in row) + " |")


if __name__ == "__main__":
    main()
