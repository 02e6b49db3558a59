"""Settings from several places, and the story of one of them. Uses ptyconf alone."""

import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from ptyconf import Precedence, Schema, View, resolve
from ptyconf.report import story, table
from ptyconf.sources import defaults, environment, mapping, toml


@dataclass
class Camera:
    """What a program wants to know about its camera."""

    exposure_s: float = field(default=0.1, metadata={"help": "Time that one frame is exposed.", "unit": "s"})
    frames: int = field(default=10, metadata={"help": "Frames to take."})


CAMERA = View(Camera, "camera")
SCHEMA = Schema("beamline", [CAMERA])
PRECEDENCE = Precedence("call", "environment", "file", "defaults")


def main() -> None:
    """Let four layers speak, then ask who won."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "camera.toml"
        file.write_text("[camera]\nexposure_s = 0.5\nframes = 100\n", encoding="utf-8")
        resolution = resolve(
            SCHEMA,
            PRECEDENCE,
            [
                mapping.layer("call", {"camera.frames": 3}),
                environment.layer("BEAM", {"BEAM__CAMERA__EXPOSURE_S": "0.25"}),
                *toml.load(file),
                defaults.layer("defaults", CAMERA),
            ],
        )
        camera = resolution.build(Camera)
        sys.stdout.write(f"{camera}\n\n{table(resolution)}\n\n{story(resolution, 'camera.frames')}\n")


if __name__ == "__main__":
    main()
