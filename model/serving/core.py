"""OpenVINO's entry point."""

import functools

import openvino


@functools.cache
def get_core() -> openvino.Core:
    """The only Core of this process, which is never freed.

    Each Core loads its own CPU plugin, which replaces the alternate signal stack (sigaltstack(2))
    of the thread that loads it. The stack is freed with the Core, and when Cores come and go in
    another order than that of a stack, a freed one stays in place: the next signal, such as the
    SIGTERM that stops a worker, ends the process by SIGSEGV (seen in OpenVINO 2026.4).
    """
    return openvino.Core()
