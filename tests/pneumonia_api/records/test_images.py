"""`pneumonia_api.records.images`: an image is stored completely or not at all."""

import contextlib
import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import pytest

from pneumonia_api.records.image_files import ImageStoreUnavailable
from pneumonia_api.records.images import FilmMissing, ImageMissing, ImageStore
from tests.pneumonia_api.failing_sync import fail_syncs
from tests.pneumonia_api.full_disk import full_disk
from tests.s3 import running_s3
from tests.stack import free_ports


def list_files(folder: Path) -> list[Path]:
    """Every file below the folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """A bucket of a local S3 server."""
    with running_s3(free_ports()["PORT"]) as url:
        yield url


@pytest.mark.parametrize("scheme", ["file", "s3"])
def test_images_are_kept_and_forgotten(
    tmp_path: Path, scheme: str, request: pytest.FixtureRequest
) -> None:
    """On disk and in S3; a missing image raises ImageMissing."""
    url = tmp_path.as_uri() if scheme == "file" else f"{request.getfixturevalue('s3')}/xrays"
    images = ImageStore(url)
    assert images.list_names() == []
    images.write_incoming("a", b"bytes")
    images.write_preview("a", b"first\xff\xd9")
    images.write_preview("a", b"jpeg\xff\xd9")
    assert images.read_incoming("a") == b"bytes"
    assert images.read_preview("a") == b"jpeg\xff\xd9"
    assert images.read_thumbnail("a") == b"jpeg\xff\xd9"  # an earlier release wrote no thumbnail
    images.share_film("a", "b")  # not made yet: nothing to share
    with pytest.raises(FilmMissing):
        images.open_film("b")
    images.write_film("a", b"png")
    images.share_film("a", "b")
    for name in ("a", "b"):
        film, size = images.open_film(name)
        with film:
            assert (film.read(), size) == (b"png", 3)
    images.delete_pictures("b")
    assert images.list_names() == ["incoming/a", "previews/a.jpg", "films/a.png"]
    for _ in range(2):
        images.delete_incoming("a")
        images.delete_pictures("a")
    with pytest.raises(ImageMissing):
        images.read_preview("a")
    with pytest.raises(ImageMissing):
        images.read_thumbnail("a")
    assert images.list_names() == []
    assert not list_files(tmp_path)


def test_full_store_keeps_what_was_there_and_no_part(tmp_path: Path) -> None:
    """The write raises ImageStoreUnavailable, the old image stays, and nothing new is left."""
    images = ImageStore(tmp_path.as_uri())
    images.write_preview("a", b"jpeg\xff\xd9")
    with full_disk(), pytest.raises(ImageStoreUnavailable):
        images.write_preview("a", bytes(100_000))
    assert images.read_preview("a") == b"jpeg\xff\xd9"
    assert len(list_files(tmp_path)) == 1


def test_every_call_to_a_missing_bucket_raises_the_named_error(s3: str) -> None:
    """The bucket was deleted while the service runs."""
    images = ImageStore(f"{s3}-of-nobody/xrays")
    with pytest.raises(ImageStoreUnavailable):
        images.write_incoming("a", b"bytes")
    for call in (images.read_incoming, images.read_preview, images.delete_incoming):
        with pytest.raises(ImageStoreUnavailable):
            call("a")


def test_image_of_another_host_is_found_after_a_listing(s3: str) -> None:
    """The hourly sweep lists the store; an upload that another host stores later is there, too."""
    images = ImageStore(f"{s3}/shared")
    images.write_incoming("a", b"bytes")
    assert images.list_names() == ["incoming/a"]
    folder = f"{s3.removeprefix('s3://')}/shared/incoming"
    other_host = fsspec.filesystem("s3", skip_instance_cache=True)
    other_host.pipe_file(f"{folder}/b", b"more")
    assert images.read_incoming("b") == b"more"
    other_host.rm_file(f"{folder}/a")
    with pytest.raises(ImageMissing):
        images.read_incoming("a")
    assert images.list_names() == ["incoming/b"]


def test_volume_that_is_not_mounted_is_an_outage_and_no_missing_image(tmp_path: Path) -> None:
    """Otherwise the worker would record each waiting X-ray as failed."""
    images = ImageStore((tmp_path / "volume").as_uri())
    images.write_incoming("a", b"bytes")
    (tmp_path / "volume").rename(tmp_path / "elsewhere")
    (tmp_path / "volume").mkdir()
    for call in (images.read_incoming, images.read_preview, images.delete_incoming):
        with pytest.raises(ImageStoreUnavailable):
            call("a")


def test_every_call_to_a_broken_store_raises_the_named_error(tmp_path: Path) -> None:
    """There are files in place of the folders."""
    (tmp_path / "incoming").write_text("in the way")
    images = ImageStore(tmp_path.as_uri())
    for call in (
        lambda: images.write_incoming("a", b"bytes"),
        lambda: images.read_incoming("a"),
        lambda: images.delete_incoming("a"),
    ):
        with pytest.raises(ImageStoreUnavailable):
            call()


def test_failed_sync_leaves_no_file(tmp_path: Path) -> None:
    """No record may rely on bytes that were not synced."""
    images = ImageStore(tmp_path.as_uri())
    with ThreadPoolExecutor(1, initializer=fail_syncs) as thread:
        with pytest.raises(ImageStoreUnavailable):
            thread.submit(images.write_incoming, "a", b"bytes").result()
        upload = images.receive(100)
        upload.write(b"bytes")
        with pytest.raises(ImageStoreUnavailable):
            thread.submit(images.keep, "b", upload).result()
        images.discard(upload)
    assert list_files(tmp_path) == []


@pytest.mark.parametrize("size", [66_000, 100_000])
def test_preview_that_fits_only_in_part_raises_the_named_error(tmp_path: Path, size: int) -> None:
    """Whatever the file's buffer would have held: the worker waits for a full disk to pass."""
    images = ImageStore(tmp_path.as_uri())
    with (
        full_disk(),
        pytest.raises(ImageStoreUnavailable),
        images.writing_preview("a", bytes(size)),
    ):
        raise AssertionError("the preview is not there")
    assert list_files(tmp_path) == []


def test_preview_is_there_before_it_is_synced(tmp_path: Path) -> None:
    """The record may say so meanwhile; a failed sync raises after the block and keeps the file."""
    images = ImageStore(tmp_path.as_uri())

    def write() -> bytes:
        with images.writing_preview("a", b"jpeg\xff\xd9"):
            found = images.read_preview("a")
        return found

    with (
        ThreadPoolExecutor(1, initializer=fail_syncs) as thread,
        pytest.raises(ImageStoreUnavailable),
    ):
        thread.submit(write).result()
    assert images.list_names() == ["previews/a.jpg"]
    assert write() == b"jpeg\xff\xd9"


@pytest.mark.parametrize("left", [b"", b"\xff\xd8half of a preview"])
def test_preview_without_its_end_counts_as_missing(tmp_path: Path, left: bytes) -> None:
    """A power cut before the sync may leave nothing, or a part."""
    images = ImageStore(tmp_path.as_uri())
    images.write_preview("a", left)
    with pytest.raises(ImageMissing):
        images.read_preview("a")


def test_upload_reaches_s3_whole_or_not_at_all(s3: str, tmp_path: Path) -> None:
    """It is received in an anonymous local file; an unreachable store keeps nothing."""
    for url, is_kept in ((f"{s3}/streamed", True), (f"{s3}-of-nobody/streamed", False)):
        images = ImageStore(url)
        upload = images.receive(100)
        assert upload.path is None
        upload.write(b"by")
        upload.write(b"tes")
        with contextlib.nullcontext() if is_kept else pytest.raises(ImageStoreUnavailable):
            images.keep("a", upload)
        images.discard(upload)
    assert ImageStore(f"{s3}/streamed").read_incoming("a") == b"bytes"


def test_upload_is_written_where_it_is_kept(tmp_path: Path) -> None:
    """A discarded upload leaves nothing, and an oversized one is cut off at the limit."""
    images = ImageStore(tmp_path.as_uri())
    upload = images.receive(10)
    upload.write(b"12345")
    upload.write(b"678901")
    assert upload.size == 11
    [part] = list_files(tmp_path)
    assert part.parent.name == "incoming"
    assert part.stat().st_size == 5
    images.discard(upload)
    assert list_files(tmp_path) == []


def test_upload_that_does_not_fit_is_refused_and_never_cut(tmp_path: Path) -> None:
    """A disk that runs full stores a part of the last write; that is not an upload."""
    store = ImageStore(tmp_path.as_uri())
    upload = store.receive(1_000_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        upload.write(bytes(65536))
        with pytest.raises(ImageStoreUnavailable):
            upload.write(bytes(65536))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        store.discard(upload)
    assert store.list_names() == []
