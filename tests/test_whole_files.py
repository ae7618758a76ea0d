"""What is there of a file while it is written, when writing fails, and when the process is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from torch import nn

from sparsecnn.errors import SparsecnnError
from sparsecnn.models import save_weights
from sparsecnn.whole_files import remove_unfinished, replacing, write_bytes, write_whole

KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from sparsecnn.whole_files import write_whole

def write(part):
    part.write_text("half")
    part.with_name(".one more").write_text("made by a library")
    os.kill(os.getpid(), signal.SIGKILL)

write_whole(Path(sys.argv[1]), write)
"""


def test_the_old_file_stays_until_the_new_one_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with replacing(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_writer_leaves_nothing(tmp_path: Path) -> None:
    def fail(part: Path) -> None:
        part.write_text("half")
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write_whole(tmp_path / "file", fail)
    assert not list(tmp_path.iterdir())


def test_what_a_kill_leaves_can_be_removed(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, str(tmp_path / "file")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    remove_unfinished(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_link_stays_one_and_its_target_is_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "elsewhere" / "file", tmp_path / "link"
    target.parent.mkdir()
    target.write_text("old")
    link.symlink_to(target)
    write_bytes(link, b"new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
        write_bytes(pipe, b"new")
        assert reader.stdout is not None
        assert reader.stdout.read() == b"new"
    assert pipe.is_fifo()


def test_what_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(SparsecnnError, match="file/inside cannot be written: "):
        write_bytes(tmp_path / "file" / "inside", b"")
    with pytest.raises(SparsecnnError, match="cannot be written: Is a directory"):
        write_bytes(tmp_path, b"")


def test_weights_can_be_read_by_whoever_could_read_another_new_file(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        save_weights(nn.Linear(2, 2), tmp_path / "net.safetensors")
    finally:
        os.umask(before)
    assert (tmp_path / "net.safetensors").stat().st_mode & 0o777 == 0o644
