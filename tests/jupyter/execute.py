"""Runs a notebook with nbclient, as a reader's own tools would.

    python execute.py NOTEBOOK FOLDER OUT    # the kernel starts in FOLDER, the result goes to OUT
"""

import sys

import nbclient
import nbformat

notebook, folder, out = sys.argv[1:]
book = nbformat.read(notebook, as_version=4)
for cell in book.cells:
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
client = nbclient.NotebookClient(
    book,
    timeout=3600,
    startup_timeout=600,
    kernel_name="rust",
    resources={"metadata": {"path": folder}},
)
client.execute()
nbformat.write(book, out)
