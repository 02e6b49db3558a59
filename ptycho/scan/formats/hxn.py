"""Files of the HXN beamline (NSLS-II): amplitudes 'diffamp', 'points' (2, n) in micrometres."""

from ptycho.scan.formats._preset import Place, Positions, Preset

FORMAT = Preset(
    frames=("diffamp",),
    marks=("points",),
    positions=Positions("points"),
    wavelength=Place("lambda_nm", "nm"),
    distance=Place("z_m"),
    pixel=(Place("ccd_pixel_um", "um"), Place()),
    quantity="amplitude",
).format_of("hxn", "a file of HXN: amplitudes 'diffamp' and 'points' (2, n) in micrometres")
