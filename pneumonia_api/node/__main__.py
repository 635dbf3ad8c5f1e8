"""The DICOM node: takes X-rays by C-STORE and hands them on to the API.

    python -m pneumonia_api.node

The README lists its settings, which are environment variables; docs/dicom.md says how to connect a
PACS.
"""

import argparse
import logging
import signal
import threading
from types import FrameType

from prometheus_client import start_http_server

from monitoring.logs.lines import write_lines
from monitoring.metrics.release import expose_release
from pneumonia_api.config import ConfigError, NodeConfig, read_node_config
from pneumonia_api.dicom_tls import make_listening
from pneumonia_api.node.entity import Node, find_association_id
from pneumonia_api.node.sending import Sender
from pneumonia_api.node.server import NodeServer

log = logging.getLogger(__name__)


class OwnErrors(logging.Handler):
    """Logs of what pynetdicom reports the faults of this program, and those without their text.

    Everything else is logged by the node itself: pynetdicom quotes messages and data sets.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record's exception, unless the connection broke."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, OSError):
            log.error("an error in the DICOM node", exc_info=error)


def quieten() -> None:
    """Have pynetdicom log nothing of what is sent."""
    theirs = logging.getLogger("pynetdicom")
    theirs.setLevel(logging.ERROR)
    theirs.propagate = False
    theirs.addHandler(OwnErrors())


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        prog="python -m pneumonia_api.node", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.parse_args()
    write_lines("dicom", find_association_id)
    quieten()
    try:
        config = read_node_config()
        tls = make_listening(config.tls_certificate, config.tls_key, config.tls_authority)
    except ConfigError as error:
        raise SystemExit(str(error)) from error
    try:
        start_http_server(config.metrics_port, config.metrics_host)
        server = Node(config, Sender(config.api_url, config.dicom_key), tls).start()
    except OSError as error:
        raise SystemExit(
            f"Port {config.port} or {config.metrics_port} cannot be opened ({error.strerror}); "
            "choose others with DICOM_PORT= and DICOM_METRICS_PORT=."
        ) from error
    expose_release("dicom")
    _serve(server, config)


def _serve(server: NodeServer, config: NodeConfig) -> None:
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    log.info("listening", extra={"fields": {"title": config.ae_title, "port": config.port}})
    ended.wait()
    server.ae.shutdown()


if __name__ == "__main__":
    main()
