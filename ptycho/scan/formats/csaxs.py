"""Files of the cSAXS beamline (SLS): frames and geometry; positions lie elsewhere."""

from ptycho.scan.formats._preset import Place, Preset

MONOCHROMATOR, DETECTOR = "entry/instrument/monochromator", "entry/instrument/eiger_4"

FORMAT = Preset(
    frames=("entry/data/data",),
    marks=(f"{DETECTOR}/x_pixel_size", f"{MONOCHROMATOR}/distance"),
    energy=Place(f"{MONOCHROMATOR}/energy", "keV"),
    distance=Place(f"{MONOCHROMATOR}/distance", "mm"),
    pixel=(Place(f"{DETECTOR}/x_pixel_size", "um"), Place(f"{DETECTOR}/y_pixel_size", "um")),
).format_of(
    "csaxs",
    "a file of cSAXS: 'entry/data/data', geometry in 'entry/instrument'",
    needs="data.positions and data.position_unit",
)
