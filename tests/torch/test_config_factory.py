"""The factories: what they build, the legacy dict that they fill, and the probe that they look at."""

from __future__ import annotations

import dataclasses
import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho import params
from ptycho.config.config import InferenceConfig, ModelConfig, PyTorchExecutionConfig, TrainingConfig
from ptycho_torch import config_params as pt
from ptycho_torch.config_factory import (
    InferencePayload,
    TrainingPayload,
    create_inference_payload,
    create_training_payload,
    infer_probe_size,
    populate_legacy_params,
)
from ptyconf import ConfigError, provenance_of

CPU = {"accelerator": "cpu"}
GROUPS = {"n_groups": 512, **CPU}


def train(scan: Path, overrides: dict[str, Any] | None = None, **more: Any) -> TrainingPayload:
    """Make a training payload whose groups and device are given."""
    return create_training_payload(scan, scan.parent / "out", {**GROUPS, **(overrides or {})}, **more)


def infer(model: Path, scan: Path, overrides: dict[str, Any] | None = None, **more: Any) -> InferencePayload:
    """Make an inference payload whose groups and device are given."""
    return create_inference_payload(model, scan, scan.parent / "out", {**GROUPS, **(overrides or {})}, **more)


def snapshot() -> tuple[dict[str, Any], bool, bool]:
    """Take all that a failed factory must leave alone."""
    return dict(params.cfg), params.is_sealed(), params.is_populated()


class TestTrainingPayloadStructure:
    """One call gives every configuration of a training."""

    def test_every_field_has_its_class(self, scan_file: Path) -> None:
        """The payload is a dataclass whose fields are the configurations of both sides."""
        payload = train(scan_file)
        assert dataclasses.is_dataclass(payload)
        assert isinstance(payload, TrainingPayload)
        assert isinstance(payload.tf_training_config, TrainingConfig)
        assert isinstance(payload.pt_data_config, pt.DataConfig)
        assert isinstance(payload.pt_model_config, pt.ModelConfig)
        assert isinstance(payload.pt_training_config, pt.TrainingConfig)
        assert isinstance(payload.pt_inference_config, pt.InferenceConfig)
        assert isinstance(payload.execution_config, PyTorchExecutionConfig)
        assert isinstance(payload.overrides_applied, dict)

    def test_paths_arrive_on_both_sides(self, scan_file: Path) -> None:
        """The arguments of the call are paths in one class and text in the other."""
        payload = train(scan_file)
        assert payload.tf_training_config.train_data_file == scan_file
        assert payload.tf_training_config.output_dir == scan_file.parent / "out"
        assert payload.pt_training_config.train_data_file == str(scan_file)
        assert payload.pt_training_config.output_dir == str(scan_file.parent / "out")

    def test_values_are_plain(self, scan_file: Path) -> None:
        """No wrapper stands where a value is expected."""
        payload = train(scan_file)
        assert payload.tf_training_config.model.object_big is True
        assert type(payload.pt_data_config.grid_size) is tuple
        json.dumps({**payload.overrides_applied, "N": payload.pt_data_config.N})

    def test_every_class_knows_its_resolution(self, scan_file: Path) -> None:
        """The story of a value is found from the configuration that holds it."""
        payload = train(scan_file)
        for item in dataclasses.fields(payload):
            value = getattr(payload, item.name)
            if dataclasses.is_dataclass(value):
                assert provenance_of(value) is payload.resolution


class TestInferencePayloadStructure:
    """One call gives every configuration of a reconstruction."""

    def test_every_field_has_its_class(self, scan_file: Path, model_dir: Path) -> None:
        """The payload is a dataclass whose fields are the configurations of both sides."""
        payload = infer(model_dir, scan_file)
        assert dataclasses.is_dataclass(payload)
        assert isinstance(payload.tf_inference_config, InferenceConfig)
        assert isinstance(payload.pt_data_config, pt.DataConfig)
        assert isinstance(payload.pt_inference_config, pt.InferenceConfig)
        assert isinstance(payload.execution_config, PyTorchExecutionConfig)
        assert payload.tf_inference_config.model_path == model_dir
        assert payload.tf_inference_config.test_data_file == scan_file
        assert payload.tf_inference_config.backend == "pytorch"

    def test_bare_names_mean_inference_first(self, scan_file: Path, model_dir: Path) -> None:
        """A name of several sections means the one of inference; torch's K is its neighbour count."""
        given = {"batch_size": 50, "neighbor_count": 8, "n_subsample": 30, "subsample_seed": 9}
        payload = infer(model_dir, scan_file, given)
        assert payload.pt_inference_config.batch_size == 50
        assert payload.pt_data_config.K == payload.tf_inference_config.neighbor_count == 8
        assert payload.tf_inference_config.n_subsample == 30
        assert payload.tf_inference_config.subsample_seed == payload.pt_data_config.subsample_seed == 9

    def test_audit_holds_the_knobs_in_force(self, scan_file: Path, model_dir: Path) -> None:
        """The audit dict tells the device, the workers and the batch of the reconstruction."""
        config = PyTorchExecutionConfig(accelerator="cpu", num_workers=2, inference_batch_size=64)
        applied = infer(model_dir, scan_file, execution_config=config).overrides_applied
        assert applied["accelerator"] == "cpu"
        assert applied["num_workers"] == 2
        assert applied["inference_batch_size"] == 64

    def test_audit_holds_what_was_inferred(self, scan_file: Path, model_dir: Path) -> None:
        """The audit dict tells side, photons and their source, neighbours and mode."""
        applied = infer(model_dir, scan_file, {"model_type": "supervised"}).overrides_applied
        assert (applied["N"], applied["K"], applied["mode"]) == (64, 6, "Supervised")
        assert (applied["nphotons"], applied["nphotons_source"]) == (1e9, "default")


class TestConfigBridgeTranslation:
    """Torch names and TensorFlow names reach one setting."""

    def test_config_bridge_carries_torch_defaults(self, scan_file: Path) -> None:
        """What nobody sets is torch's default, translated."""
        payload = train(scan_file)
        model = payload.tf_training_config.model
        assert (model.gridsize, model.amp_activation, model.model_type) == (2, "swish", "pinn")
        assert payload.pt_model_config.amp_activation == "silu"
        assert payload.tf_training_config.neighbor_count == payload.pt_data_config.K == 6
        assert payload.tf_training_config.backend == "pytorch"

    @pytest.mark.parametrize(
        ("key", "value", "epochs"), [("max_epochs", 7, 7), ("nepochs", 8, 8), ("epochs", 9, 9)]
    )
    def test_config_bridge_knows_three_names_of_epochs(
        self, scan_file: Path, key: str, value: int, epochs: int
    ) -> None:
        """Every name of the epochs is understood and seen by both sides."""
        payload = train(scan_file, {key: value})
        assert payload.tf_training_config.nepochs == payload.pt_training_config.epochs == epochs
        assert payload.overrides_applied["epochs"] == epochs

    @pytest.mark.parametrize(
        ("given", "kind", "mode"),
        [
            ({"model_type": "supervised"}, "supervised", "Supervised"),
            ({"model_type": "Supervised"}, "supervised", "Supervised"),
            ({"mode": "Supervised"}, "supervised", "Supervised"),
            ({"model_type": "Unsupervised"}, "pinn", "Unsupervised"),
        ],
    )
    def test_config_bridge_knows_both_spellings_of_the_mode(
        self, scan_file: Path, given: dict[str, Any], kind: str, mode: str
    ) -> None:
        """The mode may be written as either side spells it."""
        payload = train(scan_file, given)
        assert payload.tf_training_config.model.model_type == kind
        assert payload.pt_model_config.mode == payload.overrides_applied["mode"] == mode

    @pytest.mark.parametrize("given", [{"nll_weight": 0.4}, {"nll": True}])
    def test_config_bridge_turns_weight_into_switch(self, scan_file: Path, given: dict[str, Any]) -> None:
        """A weight above zero switches torch's likelihood on; the switch is a weight of one."""
        payload = train(scan_file, given)
        assert payload.pt_training_config.nll is True
        assert payload.tf_training_config.nll_weight == given.get("nll_weight", 1.0)

    def test_config_bridge_squares_the_gridsize(self, scan_file: Path) -> None:
        """C, C_model and C_forward follow from the grid, with their input in the trace."""
        payload = train(scan_file, {"gridsize": 3})
        assert payload.pt_data_config.grid_size == (3, 3)
        channels = {
            payload.pt_data_config.C,
            payload.pt_model_config.C_model,
            payload.pt_model_config.C_forward,
        }
        assert channels == {9}
        derivation = payload.resolution.trace("data.C").derivation
        assert derivation is not None
        assert dict(derivation.inputs) == {"model.gridsize": 3}

    def test_config_bridge_takes_n_images_for_n_groups(self, scan_file: Path) -> None:
        """The old name of the groups works, and says the new one."""
        with pytest.warns(DeprecationWarning, match=r"n_images.*n_groups") as told:
            payload = create_training_payload(scan_file, "out", {"n_images": 40, **CPU})
        assert [each.filename for each in told] == [__file__]
        assert payload.tf_training_config.n_groups == 40


class TestLegacyParamsPopulation:
    """After success the legacy dict holds the configuration, sealed; after failure nothing changed."""

    def test_legacy_params_are_populated_and_sealed(self, scan_file: Path) -> None:
        """params.cfg is the TensorFlow-side configuration, and remembers who asked for it."""
        train(scan_file, {"gridsize": 3, "nphotons": 2e6})
        assert (params.cfg["gridsize"], params.cfg["nphotons"], params.cfg["N"]) == (3, 2e6, 64)
        assert params.cfg["train_data_file_path"] == str(scan_file)
        assert params.is_sealed()
        assert params.is_populated()
        assert "test_config_factory.py:" in (params.writer("gridsize") or "")

    def test_legacy_params_of_inference_are_sealed(self, scan_file: Path, model_dir: Path) -> None:
        """The inference factory writes its own configuration."""
        infer(model_dir, scan_file, {"gridsize": 1})
        assert params.cfg["model_path"] == str(model_dir)
        assert params.cfg["gridsize"] == 1
        assert params.is_sealed()

    def test_legacy_params_never_see_execution(self, scan_file: Path) -> None:
        """How a run is carried out is no legacy setting."""
        train(scan_file, {"learning_rate": 0.5, "middle_trim": 4})
        assert not {"learning_rate", "middle_trim", "accelerator"} & set(params.cfg)

    def test_legacy_params_are_replaced_without_a_word(
        self, scan_file: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A new factory call unseals first, so that its writes are no surprise."""
        train(scan_file, {"gridsize": 1})
        train(scan_file, {"gridsize": 2})
        assert params.cfg["gridsize"] == 2
        assert not caplog.records

    @pytest.mark.parametrize("sealed", [True, False])
    def test_legacy_params_survive_a_failure(self, scan_file: Path, sealed: bool) -> None:
        """A refused setting changes neither the dict nor its seal nor its mark."""
        if sealed:
            train(scan_file, {"gridsize": 3})
        before = snapshot()
        with pytest.raises(ConfigError):
            train(scan_file, {"gridsize": -1})
        assert snapshot() == before

    def test_legacy_params_warn_the_second_time(self) -> None:
        """Replacing a configuration is told, unless it is meant."""
        config = TrainingConfig(model=ModelConfig(N=128), n_groups=3)
        populate_legacy_params(config)
        config.model.N = 256
        with pytest.warns(UserWarning, match=r"params\.cfg already populated"):
            populate_legacy_params(config)
        assert params.cfg["N"] == 256
        config.model.N = 64
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            populate_legacy_params(config, force=True)
        assert params.cfg["N"] == 64

    def test_legacy_params_meant_are_no_surprise(
        self, scan_file: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What is replaced on purpose after a factory sealed the dict is not told; the seal stays."""
        train(scan_file, {"gridsize": 1})
        populate_legacy_params(TrainingConfig(model=ModelConfig(gridsize=3)), force=True)
        assert params.cfg["gridsize"] == 3
        assert params.is_sealed()
        assert not caplog.records

    def test_legacy_params_refuse_other_classes(self) -> None:
        """Only the two TensorFlow-side run configurations are taken."""
        with pytest.raises(TypeError) as caught:
            populate_legacy_params(pt.TrainingConfig())  # type: ignore[arg-type]
        assert str(caught.value) == (
            "tf_config must be TrainingConfig or InferenceConfig instance, "
            "got ptycho.settings.torch_names.TrainingConfig"
        )


class TestProbeSizeInference:
    """The probe's side comes from its header; any trouble is told and gives 64."""

    @pytest.mark.parametrize("shape", [(128, 128), (3, 128, 128), (128, 128, 1)])
    def test_side_of_every_layout(self, tmp_path: Path, shape: tuple[int, ...]) -> None:
        """A probe, a stack of modes and a trailing axis all give the side."""
        np.savez(tmp_path / "s.npz", probeGuess=np.ones(shape, np.complex64))
        assert infer_probe_size(tmp_path / "s.npz") == 128

    def test_not_square_takes_the_first_axis(self, tmp_path: Path) -> None:
        """A probe that is no square is told, and its first axis is taken."""
        path = tmp_path / "s.npz"
        np.savez(path, probeGuess=np.ones((128, 64), np.complex64))
        with pytest.warns(UserWarning, match=r"s\.npz.* is not square: \(128, 64\)"):
            assert infer_probe_size(path) == 128

    @pytest.mark.parametrize(
        "trouble", ["missing", "no key", "damaged", "objects", "scalar", "empty", "a folder", "a pipe"]
    )
    def test_trouble_is_told_and_gives_64(self, tmp_path: Path, trouble: str) -> None:
        """File and reason are named whatever is wrong with them."""
        path = tmp_path / "s.npz"
        arrays: dict[str, dict[str, Any]] = {
            "no key": {"xcoords": np.ones(3)},
            "objects": {"probeGuess": np.array([{}])},
            "scalar": {"probeGuess": np.array(1.0)},
            "empty": {"probeGuess": np.ones((0, 0))},
        }
        if trouble == "damaged":
            path.write_bytes(b"PK no archive")
        elif trouble == "a folder":
            path.mkdir()
        elif trouble == "a pipe":
            os.mkfifo(path)
        elif trouble != "missing":
            np.savez(path, **arrays[trouble])
        with pytest.warns(UserWarning, match=r"s\.npz") as told:
            assert infer_probe_size(path) == 64
        assert len(told) == 1

    def test_the_diffraction_is_never_opened(self, tmp_path: Path) -> None:
        """A scan whose diffraction is no array at all still tells its probe's side."""
        import zipfile

        path = tmp_path / "s.npz"
        np.savez(path, probeGuess=np.ones((256, 256), np.complex64))
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("diff3d.npy", b"\x00" * 4096)
        assert infer_probe_size(path) == 256
        assert train(path).pt_data_config.N == 256

    def test_doubt_is_told_only_where_it_matters(self, tmp_path: Path) -> None:
        """A named N makes an unreadable probe harmless; without one the factory warns."""
        path = tmp_path / "s.npz"
        np.savez(path, xcoords=np.ones(3))
        assert train(path, {"N": 128}).pt_data_config.N == 128
        with pytest.warns(UserWarning, match="there is no 'probeGuess'"):
            assert train(path).pt_data_config.N == 64
