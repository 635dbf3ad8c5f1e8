"""Keeps a worker listening after Redis was unreachable while it acknowledged tasks.

Kombu lets a worker hold only so many unacknowledged messages. When an acknowledgement failed, kombu
went on to count its message; after three the worker took no task any more, without a line in the
log. Its process lived on and beat, so to everybody else it looked well.
"""

from kombu.transport import redis as kombu_redis


class ReleasingQoS(kombu_redis.QoS):
    """Stops counting a message when its acknowledgement fails.

    The message stays in Redis, which delivers it again after the visibility timeout; a finished
    record is left as it is.
    """

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message. Raises redis.RedisError."""
        try:
            super().ack(delivery_tag)
        except BaseException:
            self._quick_ack(delivery_tag)
            raise

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Give a message back, or drop it. Raises redis.RedisError."""
        try:
            super().reject(delivery_tag, requeue)
        except BaseException:
            self._quick_ack(delivery_tag)
            raise


def release_failed_acknowledgements() -> None:
    """Make all of this process's channels use ReleasingQoS.

    A transport of our own would be cleaner, but kombu turns TLS on by the name of its own one.
    """
    kombu_redis.Channel.QoS = ReleasingQoS
