"""A product of ptychodus (HDF5): object, probe and positions, to be opened there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.files.hdf5_writer import creating_hdf5
from ptycho.report.output import Output
from ptycho.scan.product_writer import Product

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.reconstruction.result import Reconstruction


def write(reconstruction: Reconstruction, name: str, path: Path) -> None:
    """Write a picture, its probe in the root of photons, and the positions of its frames.

    Raises:
        ScanError: Energy, distance or detector pixel are not known.
    """
    height, width = reconstruction.object.shape
    left, top = (float(value) for value in reconstruction.origin_px)
    probe = reconstruction.probe_in_counts()
    product = Product(
        name=name,
        lengths=reconstruction.lengths_m,
        positions=reconstruction.positions,
        probe=probe,
        picture=reconstruction.object,
        centre_px=(left + width / 2, top + height / 2),
        photons=float((abs(probe) ** 2).sum()),
    )
    with creating_hdf5(path) as file:
        product.put_into(file.content)


OUTPUT = Output("a product of ptychodus", "product.h5", (".h5", ".hdf5"), write)
