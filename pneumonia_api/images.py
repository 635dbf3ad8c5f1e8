"""Bytes waiting for the worker, and previews: under one fsspec URL, so any host can read them."""

import os

import fsspec


class ImageMissing(LookupError):
    """No such image in the store."""


class ImageStore:
    """`incoming/ID` holds an upload until it is judged, `previews/ID.jpg` what is left of it."""

    def __init__(self, url: str) -> None:
        self._fs, self._root = fsspec.core.url_to_fs(url)

    def write_incoming(self, xray_id: str, data: bytes) -> None:
        """Keep an upload; on a local disk it is on the disk when this returns."""
        self._write(f"incoming/{xray_id}", data)

    def read_incoming(self, xray_id: str) -> bytes:
        """The upload's bytes. Raises ImageMissing."""
        return self._read(f"incoming/{xray_id}")

    def delete_incoming(self, xray_id: str) -> None:
        """Forget the upload's bytes, if they are there."""
        self._delete(f"incoming/{xray_id}")

    def write_preview(self, xray_id: str, data: bytes) -> None:
        """Keep a preview, a JPEG."""
        self._write(f"previews/{xray_id}.jpg", data)

    def read_preview(self, xray_id: str) -> bytes:
        """A preview's bytes, a JPEG. Raises ImageMissing."""
        return self._read(f"previews/{xray_id}.jpg")

    def delete_preview(self, xray_id: str) -> None:
        """Forget a preview, if it is there."""
        self._delete(f"previews/{xray_id}.jpg")

    def _write(self, name: str, data: bytes) -> None:
        path = f"{self._root}/{name}"
        self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        with self._fs.open(path, "wb") as file:
            file.write(data)
            if "file" in self._fs.protocol:
                # Redis syncs the record that follows; its image must not be the weaker part.
                file.flush()
                os.fsync(file.fileno())

    def _read(self, name: str) -> bytes:
        try:
            data: bytes = self._fs.cat_file(f"{self._root}/{name}")
        except FileNotFoundError as error:
            raise ImageMissing(name) from error
        return data

    def _delete(self, name: str) -> None:
        try:
            self._fs.rm_file(f"{self._root}/{name}")
        except FileNotFoundError:
            return  # deleted already: a task may run twice
