"""How many CPU threads TensorFlow uses: fixed for good when it computes for the first time in a process."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from ptycho.reconstruction.workers import available_cores
from ptycho.training.threads import ThreadChoice

logger = logging.getLogger(__name__)


def every_core() -> ThreadChoice:
    """Choose where nothing else does: a number that cannot change afterwards is not worth timing."""
    return ThreadChoice(available_cores(), "every core: TensorFlow keeps the number that it starts with")


def take_threads(choice: ThreadChoice) -> ThreadChoice:
    """Give TensorFlow its threads, if it has not started; else say with how many it runs.

    Args:
        choice: What is wanted.

    Returns:
        What is in force, and why.
    """
    threading = tf.config.threading
    try:
        threading.set_intra_op_parallelism_threads(choice.threads)
        threading.set_inter_op_parallelism_threads(choice.threads)
    except RuntimeError:
        running = _running()
        if running == choice.threads:
            return choice
        return ThreadChoice(running, f"TensorFlow had started with them; {choice.threads} {choice.reason}")
    return choice


def take_threads_for_reconstruction(setting: int | None) -> None:
    """Use as many threads as the setting says, else one; say so where TensorFlow had started with others."""
    running = take_threads(ThreadChoice(setting or 1, "as set"))
    if setting is not None and running.threads != setting:
        logger.warning("reconstruction with %s", running.note())


@contextmanager
def threads_for_reconstruction(setting: int | None) -> Iterator[None]:
    """Take the threads for what stands in the block, and for all that follows: TensorFlow cannot go back.

    A network that is given has started it, so that here a setting is mostly told that it comes too late;
    `ptycho.tf.backend.begin` comes in time.
    """
    take_threads_for_reconstruction(setting)
    yield


def _running() -> int:
    """Tell the threads of an operation in a TensorFlow that has started."""
    configured = tf.config.threading.get_intra_op_parallelism_threads()
    named = os.environ.get("TF_NUM_INTRAOP_THREADS", "")
    return configured or (int(named) if named.isdecimal() and int(named) else available_cores())
