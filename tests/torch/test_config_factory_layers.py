"""The factories: which layer wins, what they refuse, and what an execution configuration changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho import params
from ptycho.config.config import PyTorchExecutionConfig
from ptycho_torch.config_factory import (
    create_inference_payload,
    create_training_payload,
)
from ptyconf import ConfigError
from tests.torch.test_config_factory import CPU, snapshot, train

MISSING_GROUPS = """\
n_groups is required in overrides
  expected  {path}, the number of groups to draw, from overrides, a flag, the environment or a file
  try       n_groups = 512 in [{section}], --n_groups 512, or overrides=dict(..., n_groups=512)"""


class TestOverridePrecedence:
    """The higher layer wins, and the lower ones are remembered."""

    def test_overrides_beat_the_execution_config(self, scan_file: Path) -> None:
        """An override of a knob wins over the execution configuration."""
        config = PyTorchExecutionConfig(accelerator="cpu", learning_rate=0.1)
        payload = train(scan_file, {"learning_rate": 0.2}, execution_config=config)
        assert payload.execution_config.learning_rate == payload.pt_training_config.learning_rate == 0.2
        losers = payload.resolution.trace("execution.learning_rate").losers
        assert (losers[0].layer, losers[0].value) == ("execution", 0.1)
        assert config.learning_rate == 0.1

    def test_all_layers_stand_in_their_order(self, scan_file: Path, tmp_path: Path) -> None:
        """One setting written everywhere shows every layer, high to low."""
        base = tmp_path / "base.toml"
        base.write_text("[training]\nnepochs = 3\n")
        file = tmp_path / "run.toml"
        file.write_text('include = ["base.toml"]\n[training]\nnepochs = 4\n')
        payload = train(
            scan_file,
            {"max_epochs": 7},
            files=[file],
            environment={"PTYCHO__TRAINING__NEPOCHS": "5"},
            flags={"training.nepochs": "6"},
        )
        trace = payload.resolution.trace("training.nepochs")
        assert [(each.layer, each.value) for each in (trace.winner, *trace.losers)] == [
            ("overrides", 7),
            ("flags", 6),
            ("environment", 5),
            ("file", 4),
            ("included", 3),
            ("torch-defaults", 50),
            ("tensorflow-defaults", 50),
        ]
        assert trace.losers[2].origin.line == 3

    def test_a_higher_layer_may_restore_the_default(self, scan_file: Path, tmp_path: Path) -> None:
        """A value equal to the default still wins where it was written."""
        file = tmp_path / "run.toml"
        file.write_text("[model]\ngridsize = 3\n")
        payload = train(scan_file, {"gridsize": 2}, files=[file])
        assert payload.tf_training_config.model.gridsize == 2
        assert payload.resolution.winner_layer("model.gridsize") == "overrides"

    def test_photons_override_metadata_then_default(self, scan_file: Path) -> None:
        """An override stands above the file's metadata, that above TensorFlow's 1e9, never torch's 1e5."""
        payload = train(scan_file)
        assert payload.tf_training_config.nphotons == payload.pt_data_config.nphotons == 1e9
        assert payload.overrides_applied["nphotons_source"] == "default"
        (passed,) = payload.resolution.trace("training.nphotons").policies
        assert "1e5 is passed over" in passed.reason
        arrays = dict(np.load(scan_file))
        text = json.dumps({"physics_parameters": {"nphotons": 3e6}})
        np.savez(scan_file, **arrays, _metadata=np.array(text))
        payload = train(scan_file)
        assert payload.tf_training_config.nphotons == 3e6
        assert payload.overrides_applied["nphotons_source"] == "metadata"
        payload = train(scan_file, {"nphotons": 1e5})
        assert payload.tf_training_config.nphotons == 1e5
        assert payload.overrides_applied["nphotons_source"] == "override"

    def test_side_override_then_the_file(self, scan_file: Path) -> None:
        """N is the probe's side, named with the file, unless an override says otherwise."""
        trace = train(scan_file).resolution.trace("model.N")
        assert (trace.winner.layer, trace.value) == ("data-file", 64)
        assert "probeGuess (64, 64)" in trace.winner.origin.key
        assert train(scan_file, {"N": 128}).pt_data_config.N == 128

    def test_crop_and_binning_change_the_side(self, scan_file: Path) -> None:
        """The side is that of the frames that the network sees."""
        arrays = dict(np.load(scan_file)) | {"probeGuess": np.ones((256, 256), np.complex64)}
        np.savez(scan_file, **arrays)
        assert train(scan_file).pt_data_config.N == 256
        payload = train(scan_file, {"crop_px": 128, "bin": 2})
        assert payload.pt_data_config.N == 64
        assert "cropped and binned to 64" in payload.resolution.trace("model.N").winner.origin.key

    def test_frames_of_any_side_can_be_cropped(self, scan_file: Path) -> None:
        """A detector of 200 px is refused as it is, with the remedy, and taken when it is cut to 64."""
        arrays = dict(np.load(scan_file)) | {"probeGuess": np.ones((200, 200), np.complex64)}
        np.savez(scan_file, **arrays)
        with pytest.raises(ConfigError) as caught:
            train(scan_file)
        assert str(caught.value) == (
            "Unsupported input size: 200\n"
            f"  written in  probeGuess (200, 200) ({scan_file})\n"
            "  overrides   DataConfig.N (64)\n"
            "  expected    one of 64, 128, 256, for model.architecture = 'cnn'\n"
            '  try         N = 256, or model.architecture = "canvas_unet" or "unet", '
            "or data.crop_px = 256 for frames of another side"
        )
        assert train(scan_file, {"crop_px": 64}).overrides_applied["N"] == 64
        assert train(scan_file, {"crop_px": 128, "bin": 2}).pt_data_config.N == 64

    def test_the_callers_dict_is_untouched(self, scan_file: Path) -> None:
        """The overrides are read, not changed, and the audit starts as their copy."""
        given = {"n_groups": 5, "gridsize": 1, **CPU}
        before = dict(given)
        payload = create_training_payload(scan_file, "out", given)
        assert given == before
        assert {key: payload.overrides_applied[key] for key in given} == given
        assert payload.overrides_applied["N"] == 64
        assert payload.overrides_applied["K"] == 6

    def test_the_audit_shares_nothing_with_the_callers_dict(self, scan_file: Path) -> None:
        """What is done to the audit does not reach a table inside the overrides."""
        given: dict[str, Any] = {"model": {"gridsize": 1}}
        train(scan_file, given).overrides_applied["model"]["gridsize"] = 9
        assert given == {"model": {"gridsize": 1}}


class TestFactoryValidation:
    """Arguments are checked in order, before anything is touched."""

    def test_missing_scan_comes_first(self, tmp_path: Path) -> None:
        """A scan that is not there is named, before anything else is looked at."""
        before = snapshot()
        with pytest.raises(FileNotFoundError) as caught:
            create_training_payload(tmp_path / "no.npz", tmp_path, {})
        assert str(caught.value) == (
            f"Training data file not found: {tmp_path / 'no.npz'}\n"
            "  expected  a scan file\n"
            f"  try       an absolute path; this one is seen from {Path.cwd()}"
        )
        assert snapshot() == before

    @pytest.mark.parametrize("overrides", [None, {}, {"n_groups": None}, {"gridsize": 2}])
    def test_groups_must_be_given(self, scan_file: Path, overrides: dict[str, Any] | None) -> None:
        """Nobody said how many groups to draw."""
        before = snapshot()
        with pytest.raises(ValueError, match="n_groups is required in overrides") as caught:
            create_training_payload(scan_file, "out", overrides)
        assert str(caught.value) == MISSING_GROUPS.format(path="training.n_groups", section="training")
        assert snapshot() == before

    @pytest.mark.parametrize("source", ["flags", "environment", "files"])
    def test_groups_count_from_every_written_layer(
        self, scan_file: Path, source: str, tmp_path: Path
    ) -> None:
        """A flag, a variable or a file may say how many groups to draw."""
        file = tmp_path / "run.toml"
        file.write_text("[training]\nn_groups = 33\n")
        layers: dict[str, Any] = {
            "flags": {"training.n_groups": "33"},
            "environment": {"PTYCHO__TRAINING__N_GROUPS": "33"},
            "files": [file],
        }
        payload = create_training_payload(scan_file, "out", CPU, **{source: layers[source]})
        assert payload.tf_training_config.n_groups == 33

    def test_inference_checks_in_order(self, tmp_path: Path, scan_file: Path) -> None:
        """Folder, archive, scan, groups: the first that fails is the one that is named."""
        folder = tmp_path / "model"
        steps: list[tuple[type[Exception], str, Callable[[], object]]] = [
            (FileNotFoundError, f"Model directory not found: {folder}", folder.mkdir),
            (ValueError, f"Model archive not found: {folder / 'wts.h5.zip'}", (folder / "wts.h5.zip").touch),
            (FileNotFoundError, f"Test data file not found: {tmp_path / 'test.npz'}", (tmp_path / "t").touch),
        ]
        for kind, text, mend in steps:
            with pytest.raises(kind) as caught:
                create_inference_payload(folder, tmp_path / "test.npz", "out", {})
            assert str(caught.value).startswith(text)
            mend()
        with pytest.raises(ValueError, match="n_groups") as caught:
            create_inference_payload(folder, scan_file, "out", {})
        assert str(caught.value) == MISSING_GROUPS.format(path="inference.n_groups", section="inference")
        assert not params.is_populated()

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            (([1],), "overrides must be a dict of settings or None, got [1]"),
            (
                ({}, {"accelerator": "cpu"}),
                "execution_config must be a PyTorchExecutionConfig or None, got {'acc",
            ),
        ],
    )
    def test_arguments_of_another_kind_are_named(
        self, scan_file: Path, model_dir: Path, arguments: tuple[Any, ...], text: str
    ) -> None:
        """A mistake of the program is told in its own words, by both factories."""
        with pytest.raises(TypeError) as caught:
            create_training_payload(scan_file, "out", *arguments)
        assert str(caught.value).startswith(text)
        with pytest.raises(TypeError) as caught:
            create_inference_payload(model_dir, scan_file, "out", *arguments)
        assert str(caught.value).startswith(text)

    def test_unknown_override_names_the_close_match(self, scan_file: Path) -> None:
        """A slip of the keyboard is told what was probably meant."""
        with pytest.raises(ConfigError) as caught:
            train(scan_file, {"n_filtres_scale": 3})
        text = str(caught.value)
        assert text.startswith(
            "unknown setting 'n_filtres_scale'\n  written in  overrides['n_filtres_scale'] ("
        )
        assert "test_config_factory.py:" in text
        assert text.endswith("try         model.n_filters_scale = 3")

    def test_all_problems_come_together(self, scan_file: Path) -> None:
        """Every wrong value is told in one error, with the words of the contract."""
        wrong = {"architecture": "fno", "batch_size": 15, "N": 100, "scheduler": "Linear", "C": 7}
        with pytest.raises(ConfigError) as caught:
            train(scan_file, wrong)
        text = str(caught.value)
        assert len(caught.value.exceptions) == 5
        assert "Invalid architecture 'fno'. Expected one of ['canvas_unet', 'cnn', 'unet']." in text
        assert "batch_size must be positive power of 2, got 15" in text
        assert "Unsupported input size: 100" in text
        assert "Invalid scheduler: 'Linear'." in text
        assert "'data.C' is 7, but it follows from model.gridsize = 2 and is 4" in text

    def test_unbuilt_fields_are_refused_by_name(self, scan_file: Path) -> None:
        """A torch field without a feature behind it takes its default only."""
        train(scan_file, {"eca_encoder": False})
        with pytest.raises(ConfigError) as caught:
            train(scan_file, {"eca_encoder": True})
        assert "'model.eca_encoder' is True, which asks for what is not built here" in str(caught.value)


class TestExecutionConfigOverrides:
    """Only what the caller of an execution configuration set counts."""

    def test_only_set_fields_beat_lower_layers(self, scan_file: Path, tmp_path: Path) -> None:
        """An untouched field of the execution configuration leaves the file its say."""
        file = tmp_path / "run.toml"
        file.write_text("[execution]\nlearning_rate = 0.25\nnum_workers = 3\n")
        config = PyTorchExecutionConfig(accelerator="cpu", num_workers=1)
        payload = create_training_payload(scan_file, "o", {"n_groups": 3}, config, files=[file])
        assert payload.execution_config.learning_rate == 0.25
        assert payload.execution_config.num_workers == payload.pt_training_config.num_workers == 1
        assert payload.resolution.winner_layer("execution.learning_rate") == "file"

    def test_audit_holds_the_knobs_in_force(self, scan_file: Path, on_cpu: PyTorchExecutionConfig) -> None:
        """The audit dict tells every knob of the run, not only those given."""
        on_cpu.scheduler = "Exponential"
        applied = create_training_payload(scan_file, "o", {"n_groups": 3}, on_cpu).overrides_applied
        knobs = ("accelerator", "deterministic", "num_workers", "enable_progress_bar")
        assert [applied[knob] for knob in knobs] == ["cpu", True, 0, False]
        knobs = ("learning_rate", "scheduler", "accum_steps", "logger_backend")
        assert [applied[knob] for knob in knobs] == [1e-3, "Exponential", 1, "csv"]

    def test_auto_warns_once_and_shows_what_it_became(
        self, scan_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without an accelerator in any layer the machine is asked once, and the trace tells the answer."""
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        with pytest.warns(UserWarning, match=r"POLICY-001: No CUDA device detected") as told:
            payload = create_training_payload(scan_file, "o", {"n_groups": 3})
        assert len(told) == 1
        assert payload.execution_config.accelerator == payload.pt_training_config.device == "cpu"
        trace = payload.resolution.trace("execution.accelerator")
        assert (trace.winner.layer, trace.losers[0].value) == ("measured", "auto")
        assert trace.winner.origin.key.startswith("'auto' on this machine: ")

    def test_auto_found_by_the_caller_is_not_looked_for_again(
        self, scan_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The device that an execution configuration found is taken over without a second warning."""
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        with pytest.warns(UserWarning, match="POLICY-001"):
            config = PyTorchExecutionConfig()
        payload = create_training_payload(scan_file, "o", {"n_groups": 3}, config)
        assert payload.execution_config.accelerator == "cpu"
        origin = payload.resolution.trace("execution.accelerator").winner.origin
        assert origin.key == "'auto' on this machine: an execution configuration found it"

    def test_a_device_named_elsewhere_is_no_finding(
        self, scan_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """'auto' from a higher layer asks the machine, whatever device an execution configuration names."""
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        config = PyTorchExecutionConfig(accelerator="cuda")
        with pytest.warns(UserWarning, match="POLICY-001"):
            payload = train(scan_file, {"accelerator": "auto"}, execution_config=config)
        assert payload.execution_config.accelerator == "cpu"

    def test_a_named_device_beats_auto_without_warning(self, scan_file: Path) -> None:
        """Where the value in force is a device, nobody asks the machine."""
        assert train(scan_file, {"accelerator": "cuda"}).execution_config.accelerator == "cuda"
