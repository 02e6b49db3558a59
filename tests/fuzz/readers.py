"""Everything that opens a file of unknown origin, each with inputs that were made for it."""

from __future__ import annotations

import json
import random
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import checkpoints  # type: ignore[import-not-found]
import numpy as np
import scans  # type: ignore[import-not-found]
from mutations import (  # type: ignore[import-not-found]
    change_bytes,
    change_head,
    change_node,
    change_text,
    npy_bytes,
    npz_bytes,
    odd_array,
    odd_npy,
    raw_json,
)

from ptycho.backends.trained_network import open_network
from ptycho.files.npz import NpzFile
from ptycho.reconstruction.result import Reconstruction
from ptycho.reconstruction.retrieved_picture import RetrievedPicture
from ptycho.report.markdown import missing_from
from ptycho.run.attempts import attempts_at, newest_attempt
from ptycho.run.data_file import probe_side
from ptycho.run.folder import place_of
from ptycho.run.identity import is_going_on, made_without_network, maker_of
from ptycho.run.resolve import resolve_run
from ptycho.scan.mask import load_bad_pixels
from ptycho.scan.metadata import MetadataManager, read_metadata
from ptycho.scan.raw_data import RawData
from ptycho.settings.data import ScanOptions
from ptycho.settings.plain_files import load_toml_config, load_yaml_config
from ptycho.settings.schema import schema
from ptyconf import commands
from ptyconf.freeze import freeze
from ptyconf.sources import dotenv

EARLIER = Path(__file__).resolve().parents[1] / "data" / "earlier"


@dataclass(frozen=True)
class Reader:
    """A reader, and how its inputs come about.

    Attributes:
        name: Its name in the table.
        make: Writes an input into a folder, and gives what is to be read.
        read: Reads it, as a command would.
        share: Inputs, in relation to the other readers.
        beside: Another file that an error may name in place of the one that was made.
        begin: Puts what all inputs need into the folder.
        framework: What is imported for it, "" for nothing.
    """

    name: str
    make: Callable[[random.Random, Path], Path]
    read: Callable[[Path], object]
    share: float = 1.0
    beside: str = ""
    begin: Callable[[Path], object] = lambda _folder: None
    framework: str = ""


def _written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return path


SETTINGS = {
    "model": {"N": 64, "gridsize": 2, "architecture": "unet", "amp_activation": "sigmoid"},
    "training": {"nepochs": 5, "n_groups": 32, "train_data_file": "scan.npz", "output_dir": "out", "seed": 3},
    "inference": {"refine_epochs": 0},
    "execution": {"learning_rate": 1e-3, "accelerator": "cpu", "devices": 1},
    "data": {"centre_px": [3.0, 4.0], "quantity": "auto"},
}


def _toml(tables: dict[str, Any]) -> str:
    lines = []
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines)


def _settings_file(suffix: str) -> Callable[[random.Random, Path], Path]:
    def make(rng: random.Random, folder: Path) -> Path:
        tables = change_node(rng, SETTINGS) if rng.random() < 0.4 else SETTINGS
        if suffix == ".json":
            text = raw_json(tables)
        elif suffix == ".env":
            text = "\n".join(
                f"PTYCHO__{section.upper()}__{name.upper()}={value}"
                for section in SETTINGS
                for name, value in SETTINGS[section].items()
            )
        elif suffix == ".toml":
            text = _toml(SETTINGS)
        else:
            text = raw_json(tables) if rng.random() < 0.3 else _yaml(SETTINGS)
        if rng.random() < 0.8:
            text = change_text(rng, text)
        content = text.encode("utf-8", "surrogatepass")
        return _written(
            folder / f"settings{suffix}", change_bytes(rng, content) if rng.random() < 0.2 else content
        )

    return make


def _yaml(tables: dict[str, Any]) -> str:
    lines = []
    for name, table in tables.items():
        lines += [f"{name}:", *(f"  {key}: {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines)


def _read_settings(path: Path) -> None:
    resolve_run("train", files=[path], environment={}, recipe="standard")
    {".toml": load_toml_config, ".yaml": load_yaml_config}.get(path.suffix, lambda _path: None)(path)


def _read_dotenv(path: Path) -> None:
    resolve_run("train", extra_layers=[dotenv.layer(path, "PTYCHO", name="environment", schema=schema)])


def _frozen(rng: random.Random, folder: Path) -> Path:
    frozen = freeze(resolve_run("train", overrides=SETTINGS["training"]))
    text = frozen.dumps()
    if rng.random() < 0.5:
        return _written(folder / "frozen.json", change_bytes(rng, text.encode()))
    content = change_node(rng, json.loads(text))
    if isinstance(content, dict) and isinstance(content.get("settings"), dict):
        try:
            content["sha256"] = type(frozen)(frozen.program, content["settings"]).sha256
        except (ValueError, TypeError):
            content["sha256"] = ""
    return _written(folder / "frozen.json", raw_json(content))


def _read_scan(path: Path) -> None:
    probe_side(path)
    scan = RawData.from_file(path, options=ScanOptions(energy_kev=8.0, distance_m=1.5, pixel_size_m=75e-6))
    scan.amplitudes([0])


def _npz(rng: random.Random, folder: Path) -> Path:
    members = {f"{name}.npy": npy_bytes(array) for name, array in scans.arrays().items()}
    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    if rng.random() < 0.3:
        return _written(folder / "scan.npz", change_head(rng, npz_bytes(members, method)))
    for _ in range(rng.randint(1, 2)):
        name = rng.choice(list(members))
        array = scans.arrays()[name.removesuffix(".npy")]
        kind = rng.randrange(6)
        if kind <= 2:
            members[name] = npy_bytes(odd_array(rng, array))
        elif kind == 3:
            members[name] = odd_npy(rng, members[name])
        elif kind == 4:
            members[name] = change_bytes(rng, members[name])
        else:
            members.pop(name)
            if rng.random() < 0.3:
                members[name] = npy_bytes(np.array([{"a": 1}], dtype=object))
            if not members:
                break
    return _written(folder / "scan.npz", npz_bytes(members, method))


def _metadata(rng: random.Random, folder: Path) -> Path:
    text = raw_json(change_node(rng, scans.METADATA))
    if rng.random() < 0.3:
        text = change_bytes(rng, text.encode()).decode("latin-1")
    members = {f"{name}.npy": npy_bytes(array) for name, array in scans.arrays().items()}
    array = np.array(text, dtype=object if rng.random() < 0.2 else None)
    return _written(folder / "scan.npz", npz_bytes(members | {"_metadata.npy": npy_bytes(array)}))


def _read_metadata(path: Path) -> None:
    metadata = read_metadata(path)
    resolve_run("train", overrides={"training.train_data_file": path}, recipe="standard")
    scan = RawData.from_file(path)
    if metadata is not None:
        MetadataManager.get_nphotons({**metadata, "physics_parameters": {}})
        MetadataManager.validate_parameters(metadata, {"N": 64, "nphotons": 1e9})
        MetadataManager.merge_metadata(
            [metadata, MetadataManager.add_transformation_record(metadata, "t", "o")]
        )
    scan.to_file(path.with_name("copy.npz"))


def _mask(rng: random.Random, folder: Path) -> Path:
    array = np.zeros((32, 32), bool)
    content = npy_bytes(odd_array(rng, array) if rng.random() < 0.4 else array)
    kind = rng.randrange(4)
    content = (content, odd_npy(rng, content), change_bytes(rng, content), b"")[kind]
    if rng.random() < 0.5:
        packed = npz_bytes({rng.choice(("mask.npy", "a.npy", "mask")): content}, rng.choice((0, 8)))
        return _written(
            folder / rng.choice(("mask.npz", "mask.npy")),
            change_bytes(rng, packed) if rng.random() < 0.3 else packed,
        )
    return _written(folder / rng.choice(("mask.npy", "mask.npy", "mask.npz")), content)


def _npy(rng: random.Random, folder: Path) -> Path:
    array = scans.arrays()["diff3d"]
    content = npy_bytes(odd_array(rng, array) if rng.random() < 0.4 else array)
    kind = rng.randrange(3)
    content = content if kind == 0 else odd_npy(rng, content) if kind == 1 else change_head(rng, content, 200)
    return _written(folder / "frames.npy", content)


def _read_npy(path: Path) -> None:
    probe_side(path)
    options = ScanOptions(positions="positions.csv", position_unit="px", mask=None)
    RawData.from_file(path, options=options).amplitudes([0])


def _positions(rng: random.Random, folder: Path) -> Path:
    kind = rng.randrange(4)
    if kind == 0:
        pairs = odd_array(rng, scans.pairs())
        content = npy_bytes(pairs) if rng.random() < 0.6 else odd_npy(rng, npy_bytes(pairs))
        return _written(folder / "table.npy", content)
    text = scans.positions_text()
    if kind == 1:
        return _written(folder / "table.csv", change_bytes(rng, text.encode()))
    return _written(folder / "table.csv", change_text(rng, text))


def _read_positions(path: Path) -> None:
    RawData.from_file(Path("frames.npy"), options=ScanOptions(positions=path.name, position_unit="px"))


def _bomb(rng: random.Random, folder: Path) -> Path:
    """Pack zeros: a whole file by bzip2, or one member of an archive."""
    if rng.random() < 0.3:
        return scans.bzip2_bomb(folder / "scan.npz.bz2", rng.choice((2**20, 5 * 2**24)))
    members = {f"{name}.npy": npy_bytes(array) for name, array in scans.arrays().items()}
    name = rng.choice(("scan_index", "xcoords", "probeGuess", "diff3d", "objectGuess", "_metadata", "extra"))
    members[f"{name}.npy"] = scans.zeros(rng.choice((10**4, 10**7)))
    return _written(folder / "scan.npz", npz_bytes(members, zipfile.ZIP_DEFLATED))


def _read_reconstruction(path: Path) -> None:
    Reconstruction.load(path)
    with NpzFile(path) as file:
        [file.read(key) for key in file.keys]


def _reconstruction(rng: random.Random, folder: Path) -> Path:
    return _changed_arrays(rng, folder / "reconstruction.npz", scans.reconstruction_members())


def _retrieved(rng: random.Random, folder: Path) -> Path:
    return _changed_arrays(rng, folder / "retrieved.npz", scans.retrieved_members())


def _changed_arrays(rng: random.Random, path: Path, seed: dict[str, bytes]) -> Path:
    """Leave an archive of arrays as it is, with other bytes, or with one array that is not what it was."""
    members = dict(seed)
    if rng.random() < 0.1:
        return _written(path, npz_bytes(members))
    if rng.random() < 0.4:
        return _written(path, change_bytes(rng, npz_bytes(members)))
    name = rng.choice(list(members))
    members[name] = rng.choice(
        (lambda: odd_npy(rng, members[name]), lambda: change_bytes(rng, members[name]), lambda: b"")
    )()
    return _written(path, npz_bytes(members))


def _bundle(rng: random.Random, folder: Path) -> Path:
    """Change the bytes of a bundle, or a member of it behind a manifest that agrees with the change."""
    path = folder / "wts.h5.zip"
    seed = EARLIER / rng.choice(("pytorch-unet.h5.zip", "tensorflow-unet.h5.zip"))
    if rng.random() < 0.4:
        return _written(path, change_head(rng, seed.read_bytes(), 1500))
    with zipfile.ZipFile(seed) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice([name for name in members if name != "manifest.json"])
    if name.endswith(".json"):
        content = raw_json(change_node(rng, json.loads(members[name]))).encode()
    elif name.endswith(".toml"):
        content = change_text(rng, members[name].decode()).encode("utf-8", "surrogatepass")
    elif name.endswith(".npy") and rng.random() < 0.5:
        content = odd_npy(rng, members[name])
    else:
        content = change_head(rng, members[name])
    manifest = json.loads(members["manifest.json"])
    if rng.random() < 0.2:
        manifest = change_node(rng, manifest)
    return _written(path, scans.sealed(members, manifest, name, content))


def _read_bundle(path: Path) -> None:
    trained = open_network(path)
    resolve_run("infer", files=[], trained=trained.settings)


def _run_folder(rng: random.Random, folder: Path) -> Path:
    """Leave a run and an attempt at it, with files that are not what they were."""
    run = folder / "run"
    for place in (run, folder / "run.partial"):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        for name, text in (
            ("settings.toml", _toml(SETTINGS)),
            ("run.json", json.dumps({"program": "ptychopinn"})),
        ):
            changed = change_text(rng, text) if rng.random() < 0.5 else text
            content = changed.encode("utf-8", "surrogatepass")
            _written(place / name, change_bytes(rng, content) if rng.random() < 0.3 else content)
        _written(place / "last.ckpt", rng.randbytes(rng.choice((0, 3, 100))))
    return run


def _read_run_folder(path: Path) -> None:
    place_of(path)
    attempts_at(path)
    newest_attempt(path)


def _identity(rng: random.Random, folder: Path) -> Path:
    """Leave a run whose identity, and whose report, are not what they were."""
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir()
    facts = {"program": "ptychopinn", "kind": "training", "id": "0", "host": "here", "process": 1}
    text = raw_json(change_node(rng, facts)).encode("utf-8", "surrogatepass")
    _written(run / "run.json", change_bytes(rng, text) if rng.random() < 0.3 else text)
    page = "# run\n\n- the section 'object' is missing: OSError: no room\n- report.html is missing: a\n"
    _written(run / "report.md", change_bytes(rng, change_text(rng, page).encode("utf-8", "surrogatepass")))
    return run


def _read_identity(path: Path) -> None:
    maker_of(path)
    made_without_network(path)
    is_going_on(path)
    missing_from(path)
    place_of(path)


def _readers() -> list[Reader]:
    scan = scans.write_companions
    return [
        *(
            Reader(f"settings {suffix[1:]}", _settings_file(suffix), _read_settings)
            for suffix in (".toml", ".json", ".yaml")
        ),
        Reader("settings dotenv", _settings_file(".env"), _read_dotenv, 0.5),
        Reader("frozen", _frozen, lambda path: commands.replay(path, schema), 0.5),
        Reader("npz", _npz, _read_scan, 2.0),
        Reader("metadata", _metadata, _read_metadata),
        Reader("hdf5", scans.hdf5, _read_scan, 2.0),
        Reader("mat", scans.mat, _read_scan, 0.03),
        Reader("npy", _npy, _read_npy, begin=scan),
        Reader("positions", _positions, _read_positions, beside="frames.npy", begin=scan),
        Reader("mask", _mask, lambda path: load_bad_pixels(str(path), (32, 32), None)),
        Reader("packed", _bomb, _read_scan, 0.15),
        Reader("reconstruction", _reconstruction, _read_reconstruction, 0.5),
        Reader("retrieved", _retrieved, RetrievedPicture.load, 0.3),
        Reader("bundle", _bundle, _read_bundle, 2.0),
        Reader("run folder", _run_folder, _read_run_folder, 0.7),
        Reader("identity", _identity, _read_identity, 0.3),
        Reader(
            "torch checkpoint",
            checkpoints.of_torch,
            checkpoints.read_torch,
            0.5,
            begin=checkpoints.import_torch,
            framework="torch",
        ),
        Reader(
            "tensorflow checkpoint",
            checkpoints.of_tensorflow,
            checkpoints.read_tensorflow,
            0.5,
            begin=checkpoints.import_tensorflow,
            framework="tensorflow",
        ),
    ]


READERS = {reader.name: reader for reader in _readers()}
