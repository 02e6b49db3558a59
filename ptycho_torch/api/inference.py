"""InferenceEngine: a scan and a trained network become one picture."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from ptycho.run.settings import on_device
from ptycho_torch.api.scans import require_scan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptycho.reconstruction.result import Reconstruction
    from ptycho_torch.api.configs import ConfigManager
    from ptycho_torch.api.models import PtychoModel
    from ptycho_torch.api.scans import PtychoDataLoader

__all__ = ["InferenceEngine"]

logger = logging.getLogger(__name__)


class InferenceEngine:
    """Reconstruct scans with one network.

    Args:
        config_manager: The configurations that the network was opened with.
        ptycho_model: A trained model.
    """

    def __init__(self, config_manager: ConfigManager, ptycho_model: PtychoModel) -> None:
        self.config_manager = config_manager
        self.ptycho_model = ptycho_model

    def predict_and_stitch(self, data_loader: PtychoDataLoader) -> NDArray[np.complex64]:
        """Turn every frame into its patch of the object, and the patches into one picture.

        Args:
            data_loader: A scan from arrays.

        Returns:
            Complex transmission, shape (H, W), both even; its middle is the middle of the scan, and it is
            zero where nothing was scanned.

        Raises:
            ValueError: The scan does not fit the network, or there is none.
        """
        from ptycho_torch.backend import reconstruct

        scan = require_scan(data_loader)
        resolution = on_device(self.config_manager.resolve_inference(), "pytorch")
        reconstruction = reconstruct(self.ptycho_model.trained(), resolution, scan)
        for note in reconstruction.notes:
            logger.info("%s", note)
        return lay_around_middle(reconstruction)


def lay_around_middle(reconstruction: Reconstruction) -> NDArray[np.complex64]:
    """Widen a picture by zeros until the origin of its positions is its middle.

    A patch of N pixels lies with its pixel N/2 on its position; programs that count from the middle between
    pixels, at (N - 1)/2, find the same picture half a pixel further. The two halves cancel in a picture of
    even sides whose pixel H/2 stands on the origin.
    """
    left, top = (int(np.rint(value)) for value in reconstruction.origin_px)
    height, width = reconstruction.object.shape
    reach_y, reach_x = max(-top, top + height), max(-left, left + width)
    picture = np.zeros((2 * reach_y, 2 * reach_x), np.complex64)
    picture[reach_y + top : reach_y + top + height, reach_x + left : reach_x + left + width] = (
        reconstruction.object
    )
    return picture
