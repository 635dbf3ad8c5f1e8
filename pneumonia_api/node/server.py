"""Listens for associations: who may open one, how many, how long, and how large.

pynetdicom's own server does a TLS handshake in the thread that accepts connections, waits for ever
for the rest of a message, and takes a message of any size into memory; this one does none of it.
"""

import logging
import socket
import ssl
from typing import Any, cast

from pynetdicom.association import Association
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

log = logging.getLogger(__name__)

HEADER_BYTES = 6
"""Of a PDU: its type and its length."""

MAX_PDU_BYTES = 1 << 20
"""Of a PDU that is received. Senders are told 16 KB, and only requests for an association with very
many contexts are larger."""


class BoundedSocket(AssociationSocket):
    """A connection whose messages are bounded."""

    def recv(self, nr_bytes: int) -> bytearray:
        """Read so many bytes, the rest of a PDU. Raises OSError for too many."""
        if nr_bytes > MAX_PDU_BYTES:
            raise OSError("the PDU is too large")
        found = super().recv(nr_bytes)
        if not found and self.assoc.requestor.primitive is None:
            # Closed without a request, as by a load balancer's probe: ends the wait for one, which
            # would hold a thread until the timeout.
            self.assoc.dul.to_user_queue.put(None)  # type: ignore[arg-type]
        return found


class BoundedHandler(RequestHandler):
    """Makes an association of a connection."""

    def setup(self) -> None:
        """Complete a TLS handshake, in this thread and within the timeout. Raises OSError."""
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()

    def _create_association(self) -> Association:
        association = super()._create_association()
        sock = cast(AssociationSocket, association.dul.socket)
        sock.__class__ = BoundedSocket  # made by the method above, which offers no way to choose
        return association


class NodeServer(ThreadedAssociationServer):
    """The node's listener. `max_connections` also counts those that have asked for nothing yet."""

    daemon_threads = True
    request_queue_size = 64  # with the default of 5, a sixth one at once waits a second
    max_connections = 100

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **{**named, "request_handler": BoundedHandler})

    def get_request(self) -> tuple[socket.socket, Any]:
        """A connection, on which no read waits longer than the network timeout."""
        connection, address = cast(socket.socket, self.socket).accept()
        connection.settimeout(self.ae.network_timeout)
        if self.ssl_context:
            connection = self.ssl_context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether one more connection is taken."""
        del request, client_address
        return len(self.active_associations) < self.max_connections

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that ended before its first message: a probe, or no TLS."""
        del request, client_address
        log.debug("a connection ended before its first message")
