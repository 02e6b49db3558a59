"""Files of the NanoMAX beamline (MAX IV): frames, the stage's positions in micrometres, the energy.

Source:
    Programs that read them change both signs: the stage moves the sample.
"""

from ptycho.scan.formats._preset import Place, Positions, Preset

FORMAT = Preset(
    frames=(
        "entry/measurement/eiger1m/frames",
        "entry/instrument/Eiger/data",
        "entry/measurement/Eiger/data",
    ),
    marks=("entry/measurement/pseudo/x",),
    positions=Positions("entry/measurement/pseudo/x", "entry/measurement/pseudo/y", sign=-1),
    energy=Place("entry/snapshot/energy", "eV"),
).format_of(
    "nanomax",
    "a file of NanoMAX: 'entry/measurement/eiger1m/frames' and 'pseudo/x', 'pseudo/y' in micrometres",
    needs="data.distance_m, data.detector_pixel_m",
)
