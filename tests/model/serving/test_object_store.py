"""`model.serving.object_store` on a simulated S3."""

from collections.abc import Iterator

import fsspec
import pytest

from model.serving.object_store import ArtifactStoreError, ObjectStore
from tests.s3 import running_s3
from tests.stack import free_ports


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """A bucket of a local S3 server."""
    with running_s3(free_ports()["PORT"]) as url:
        yield url


def test_missing_object_is_none(s3: str) -> None:
    """In a bucket that exists, even an empty one."""
    store = ObjectStore(f"{s3}/models")
    assert store.read("current") is None
    store.write("current", b"a")
    assert store.read("current") == b"a"
    store.delete("current")
    assert store.read("current") is None


def test_object_of_another_host_is_found_after_a_listing(s3: str) -> None:
    """What the worker listed a moment ago does not hide the manifest that was published since."""
    store = ObjectStore(f"{s3}/shared")
    store.write("v1/manifest", b"a")
    assert len(store.find("v1/*")) == 1
    folder = f"{s3.removeprefix('s3://')}/shared/v1"
    fsspec.filesystem("s3", skip_instance_cache=True).pipe_file(f"{folder}/more", b"b")
    assert store.read("v1/more") == b"b"


def test_missing_bucket_is_not_a_missing_object(s3: str) -> None:
    """Otherwise a renamed bucket would look like a store that has no model yet."""
    store = ObjectStore(f"{s3}-of-nobody/models")
    for call in (store.read, store.delete):
        with pytest.raises(ArtifactStoreError):
            call("current")
