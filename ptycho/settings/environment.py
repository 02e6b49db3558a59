"""Variables of the environment that look like settings and are none, because an underscore is missing."""

from collections.abc import Mapping

from ptycho.settings.layers import ENVIRONMENT_PREFIX
from ptycho.settings.schema import schema


def likely_slips(environ: Mapping[str, str]) -> dict[str, str]:
    """Find variables whose name is that of a setting but for the underscores: PTYCHO_TRAINING_NEPOCHS.

    They may be another program's, so that nobody refuses them.

    Args:
        environ: Variables of the environment.

    Returns:
        The variable that is read instead, by the one that is not.
    """
    start = f"{ENVIRONMENT_PREFIX}_"
    names = [name for name in environ if name.startswith(start) and not name.startswith(f"{start}_")]
    if not names:
        return {}
    paths = {_letters(f"{ENVIRONMENT_PREFIX}{path}"): path for path in schema.settings}
    for path in schema.settings:  # The name alone comes after all paths: "inference_batch_size" is both.
        paths.setdefault(_letters(f"{ENVIRONMENT_PREFIX}{path.rpartition('.')[2]}"), path)
    read = {letters: f"{start}_{path.replace('.', '__')}".upper() for letters, path in paths.items()}
    return {name: read[_letters(name)] for name in names if _letters(name) in read}


def _letters(name: str) -> str:
    return name.replace("_", "").replace(".", "").upper()
