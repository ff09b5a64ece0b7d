"""Downloads against a server on the loopback: mirrors, resume, and everything that lies."""

from __future__ import annotations

import gzip
import hashlib
import random
from pathlib import Path

import pytest

from glassgrad.config import config
from glassgrad.data.fetch import data_folder, fetch, find_local, find_or_fetch, search_folders
from glassgrad.data.sources import FASHION_MNIST, MNIST, SOURCES, RemoteFile
from glassgrad.errors import FileAccessError, FileFormatError

CONTENT = gzip.compress(random.Random(0).randbytes(5000), mtime=0)


def remote(*mirrors: str, content: bytes = CONTENT) -> RemoteFile:
    return RemoteFile("a.gz", len(content), hashlib.sha256(content).hexdigest(), mirrors)


def test_download_is_verified_and_reported(site, tmp_path):
    site.files["/a.gz"] = CONTENT
    seen = []
    path = fetch(remote(site.url + "/"), tmp_path / "new", progress=lambda *done: seen.append(done))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [item.name for item in path.parent.iterdir()] == ["a.gz"]


def test_a_partial_file_is_continued(site, tmp_path):
    site.files["/a.gz"] = CONTENT
    (tmp_path / "a.gz.part").write_bytes(CONTENT[:1000])
    assert fetch(remote(site.url + "/"), tmp_path).read_bytes() == CONTENT
    assert site.ranges == [("/a.gz", "bytes=1000-")]


def test_a_server_without_ranges_sends_it_all_again(site, tmp_path):
    site.files["/a.gz"] = CONTENT
    site.behave["/a.gz"] = "ignores ranges"
    (tmp_path / "a.gz.part").write_bytes(b"rubbish")
    assert fetch(remote(site.url + "/"), tmp_path).read_bytes() == CONTENT


def test_a_wrong_partial_file_is_thrown_away(site, tmp_path):
    site.files["/a.gz"] = CONTENT
    (tmp_path / "a.gz.part").write_bytes(b"x" * 1000)
    assert fetch(remote(site.url + "/"), tmp_path).read_bytes() == CONTENT
    assert [asked for _, asked in site.ranges] == ["bytes=1000-", ""]


@pytest.mark.parametrize("left", [CONTENT, b"y" * len(CONTENT), CONTENT + b"more"])
def test_a_partial_file_of_full_length_is_verified(site, tmp_path, left):
    site.files["/a.gz"] = CONTENT
    (tmp_path / "a.gz.part").write_bytes(left)
    assert fetch(remote(site.url + "/"), tmp_path).read_bytes() == CONTENT


def test_a_server_that_sends_another_range_is_not_believed(site, tmp_path):
    site.files["/a.gz"] = CONTENT
    site.behave["/a.gz"] = "wrong range"
    (tmp_path / "a.gz.part").write_bytes(CONTENT[:1000])
    assert fetch(remote(site.url + "/"), tmp_path).read_bytes() == CONTENT


def test_the_second_mirror_continues_where_the_first_broke_off(site, tmp_path):
    site.files.update({"/one/a.gz": CONTENT, "/two/a.gz": CONTENT})
    site.behave["/one/a.gz"] = "breaks off"
    path = fetch(remote(site.url + "/one/", site.url + "/two/"), tmp_path)
    assert path.read_bytes() == CONTENT
    assert site.ranges[-1] == ("/two/a.gz", f"bytes={len(CONTENT) // 2}-")


PAGE = b"\n<!DOCTYPE html><html>please log in</html>"


@pytest.mark.parametrize(
    ("content", "manner", "complaint"),
    [
        (PAGE, "html", "web page"),
        (PAGE, "", "web page"),
        (b"<?xml version='1.0'?><Error/>", "", "web page"),
        (CONTENT, "html", "web page"),
        (b"plain text", "", "gzip"),
        (CONTENT[:-1] + b"!", "", "wrong checksum"),
        (CONTENT[:-5], "", "stopped after"),
        (CONTENT + b"more", "", "more than"),
        (None, "", "HTTP 404"),
    ],
)
def test_what_is_not_the_file_is_refused(site, tmp_path, content, manner, complaint):
    if content is not None:
        site.files["/a.gz"] = content
    site.behave["/a.gz"] = manner
    with pytest.raises(FileAccessError, match=complaint) as caught:
        fetch(remote(site.url + "/"), tmp_path)
    assert "GLASSGRAD_DATA" in caught.value.hint
    assert not (tmp_path / "a.gz").exists()
    if complaint not in ("stopped after",):
        assert not list(tmp_path.iterdir())


def test_a_bad_mirror_does_not_hide_a_good_one(site, tmp_path):
    site.files.update({"/one/a.gz": PAGE, "/two/a.gz": CONTENT})
    mirrors = ("http://127.0.0.1:9/", "file:///etc/", site.url + "/one/", site.url + "/two/")
    assert fetch(remote(*mirrors), tmp_path).read_bytes() == CONTENT


def test_only_the_web_is_asked(tmp_path):
    secret = tmp_path / "a.gz"
    secret.write_bytes(CONTENT)
    with pytest.raises(FileAccessError, match="neither http nor https"):
        fetch(remote(f"file://{tmp_path}/"), tmp_path / "new")


def test_a_folder_that_cannot_be_made(site, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileAccessError, match="cannot be read or written"):
        fetch(remote(site.url + "/"), tmp_path / "file" / "folder")


def test_a_full_disk_leaves_nothing(site, tmp_path, monkeypatch):
    site.files["/a.gz"] = CONTENT

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FileAccessError, match="No space left"):
        fetch(remote(site.url + "/"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_local_folders_come_first(site, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.gz").write_bytes(CONTENT)
    file = remote(site.url + "/")
    assert find_local(file, "set", [tmp_path]) == tmp_path / "set" / "a.gz"
    assert find_local(file, "", [tmp_path / "set"]) == tmp_path / "set" / "a.gz"
    assert find_local(file, "other", [tmp_path]) is None
    with config.using(data=tmp_path):
        assert find_or_fetch(file, "set") == tmp_path / "set" / "a.gz"
    assert not site.ranges


def test_what_is_missing_is_downloaded_into_the_folder(site, tmp_path):
    site.files["/a.gz"] = CONTENT
    with config.using(data=None):
        path = find_or_fetch(remote(site.url + "/"), "set", tmp_path)
    assert path == tmp_path / "set" / "a.gz"


def test_a_local_file_with_another_checksum_is_named(tmp_path):
    (tmp_path / "a.gz").write_bytes(b"x")
    with pytest.raises(FileFormatError, match="wrong checksum") as caught:
        find_local(remote(), "set", [tmp_path])
    assert str(tmp_path / "a.gz") in str(caught.value)


def test_a_flat_folder_tells_mnist_from_fashion(real_data, tmp_path):
    file = MNIST.files["test_y"]
    other = FASHION_MNIST.files["test_y"]
    source = real_data / "fashion-mnist" / other.name
    if not source.exists():
        pytest.skip("no fashion-mnist")
    (tmp_path / other.name).write_bytes(source.read_bytes())
    assert find_local(other, "fashion-mnist", [tmp_path]) is not None
    assert find_local(file, "mnist", [tmp_path]) is None


def test_folders_by_system(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data_folder() == tmp_path / "glassgrad" / "data"
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert data_folder() == tmp_path / "local" / "glassgrad" / "data"
    monkeypatch.setattr("sys.platform", "darwin")
    assert "Application Support" in str(data_folder())
    with config.using(data=tmp_path / "named"):
        assert search_folders("first")[:2] == [Path("first"), tmp_path / "named"]


def test_every_pinned_file_is_pinned_in_full():
    for source in SOURCES:
        for file in source.files.values():
            assert len(bytes.fromhex(file.sha256)) == 32
            assert file.size > 0
            assert all(mirror.endswith("/") for mirror in file.mirrors)
