"""Files of NSLS-II with positions in rows: 'scan/scan_positions', x before y, in micrometres."""

from ptycho.scan.formats._preset import Place, Positions, Preset

FORMAT = Preset(
    frames=("entry/data/data", "diff_data/merlin1/det_images"),
    marks=("scan/scan_positions",),
    positions=Positions("scan/scan_positions"),
    energy=Place("scan/energy", "keV"),
).format_of(
    "nsls2",
    "a file of NSLS-II: frames, and 'scan/scan_positions' (2, n) in micrometres",
    needs="data.distance_m, data.detector_pixel_m",
)
