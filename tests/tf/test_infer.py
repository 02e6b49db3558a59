"""Reconstruct a scan with a trained network: what TensorFlow has its own hand in."""

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager.polymorphic_function import polymorphic_function

from ptycho.network.settings import NetworkSettings
from ptycho.physics.scale import Normalisation, measure
from ptycho.raw_data import RawData
from ptycho.reconstruction import groups as grouped
from ptycho.reconstruction.picture import PictureOptions
from ptycho.scan.frame_store import LazyFrames
from ptycho.scan.grouping import relative_coordinates
from ptycho.tf import infer
from ptycho.tf.model import PtychoNetwork
from ptycho.tf.trained_network import TrainedTensorFlowNetwork
from ptycho.tf.weights import export

Make = Callable[..., PtychoNetwork]


@pytest.fixture(scope="module")
def scales(tiny_scan: RawData) -> Normalisation:
    """The scales of the small scan."""
    return measure(tiny_scan.mean_square(), 64, "counts", None, np.asarray(tiny_scan.probe_modes))


@pytest.fixture(scope="module")
def network(tiny_scan: RawData, scales: Normalisation) -> Make:
    """Make a network with weights as drawn, of a gridsize."""

    def make(gridsize: int = 1, mask: np.ndarray | None = None, dtype: str = "float32") -> PtychoNetwork:
        settings = NetworkSettings(gridsize=gridsize, architecture="unet", n_filters_scale=1, unet_stages=1)
        probe = scales.probe(np.asarray(tiny_scan.probe_modes))
        return PtychoNetwork(settings, probe, scales.intensity_scale, mask, dtype=dtype)

    return make


@pytest.fixture
def trained(network: Make, tiny_scan: RawData) -> TrainedTensorFlowNetwork:
    """A small network, ready for the small scan."""
    return TrainedTensorFlowNetwork(network(), tiny_scan)


@pytest.mark.parametrize("gridsize", [1, 2])
def test_batch_size_changes_nothing(
    gridsize: int, network: Make, tiny_scan: RawData, scales: Normalisation
) -> None:
    """Groups are independent: any batch size gives the same picture, to rounding."""
    made = network(gridsize)
    whole = infer.reconstruct(made, scales, tiny_scan, batch_size=1000)
    parts = infer.reconstruct(made, scales, tiny_scan, batch_size=7)
    assert np.abs(whole.object - parts.object).max() < 1e-4
    assert whole.positions.shape == (36, 2)
    assert whole.probe.shape == (1, 64, 64)


def test_prediction_is_that_of_the_frame(network: Make, tiny_scan: RawData, scales: Normalisation) -> None:
    """Measured and predicted amplitudes are in sqrt(counts), of the frames that are named."""
    made = network()
    found = infer.reconstruct(made, scales, tiny_scan, batch_size=16)
    assert found.frame_indices.tolist() == [0, 11, 23, 35]
    assert found.measured == pytest.approx(tiny_scan.amplitudes(found.frame_indices), rel=1e-5)
    X = tiny_scan.amplitudes([11]) * np.float32(scales.amplitude_factor)
    alone = made(tf.constant(X[None])).amplitude[0, 0].numpy() * scales.intensity_scale
    assert found.predicted[1] == pytest.approx(alone, rel=1e-3, abs=1e-2)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_network_is_left_as_it_is(
    dtype: str, network: Make, tiny_scan: RawData, scales: Normalisation
) -> None:
    """A reconstruction works on a copy in single precision: mask and weights of the network stay."""
    mask = np.ones((64, 64), bool)
    mask[0, 0] = False
    made = network(mask=mask, dtype=dtype)
    before = export(made)
    found = infer.reconstruct(made, scales, tiny_scan)
    after = export(made)
    assert all(np.array_equal(array, after[name]) for name, array in before.items())
    assert np.array_equal(found.object, infer.reconstruct(network(mask=mask), scales, tiny_scan).object)


def test_bad_pixels_are_those_of_the_scan(
    network: Make, tiny_scan: RawData, scales: Normalisation, tmp_path: Path
) -> None:
    """What a pixel measured that the scan calls bad changes nothing, whatever the training's mask was."""
    bad = np.zeros((64, 64), bool)
    bad[20:24, 30] = True
    np.save(tmp_path / "bad.npy", bad)
    told = dataclasses.replace(
        tiny_scan.options,
        mask=str(tmp_path / "bad.npy"),
        quantity="counts",
        centre="middle",
        position_origin="centre",
    )
    counts = np.array(tiny_scan.diff3d)
    pictures = []
    for dead in (0, 7):
        counts[:, bad] = dead
        x, y = tiny_scan.xcoords, tiny_scan.ycoords
        scan = RawData(x, y, None, None, counts, tiny_scan.probeGuess, None, options=told)
        trained = network(mask=np.triu(np.ones((64, 64), bool)))
        pictures.append(infer.reconstruct(trained, scales, scan).object)
    pictures.append(infer.reconstruct(network(mask=~bad), scales, scan).object)
    for picture in pictures[1:]:
        assert np.array_equal(picture, pictures[0])


def test_each_position_gets_its_own_patch(network: Make, tiny_scan: RawData, scales: Normalisation) -> None:
    """Of a group's patches the leader's is kept: not the mean of the group."""
    made = network(2)
    store = LazyFrames(tiny_scan, scales.amplitude_factor)
    trained = TrainedTensorFlowNetwork(made, tiny_scan)
    found = grouped.infer_patches(trained, store, tiny_scan.positions, np.arange(0), grouped.Portions(7))
    groups = grouped.own_groups(tiny_scan.positions, 2)
    relative = relative_coordinates(tiny_scan.positions, groups).astype(np.float32)
    for place in (0, 17, 35):
        X = tf.constant(store.frames(groups[place]))[None]
        own = made((X, tf.constant(relative[place])[None])).patches[0].numpy()
        assert found.patches[place] == pytest.approx(own[0], abs=1e-4)
        assert np.abs(found.patches[place] - own.mean(0)).max() > 1e-2


def test_refinement_fits_the_frames_better(network: Make, tiny_scan: RawData, scales: Normalisation) -> None:
    """Sweeps over all frames bring the prediction nearer to the measurement; the first picture is kept."""
    made = network()
    plain = infer.reconstruct(made, scales, tiny_scan)
    refined = infer.reconstruct(made, scales, tiny_scan, options=PictureOptions(refine_epochs=5))
    assert plain.network_object is None
    assert refined.network_object is not None
    assert np.array_equal(refined.network_object, plain.object)
    before, after = (np.abs(r.predicted - r.measured).mean() for r in (plain, refined))
    assert after < 0.5 * before
    assert refined.notes[-1].startswith(
        "the network's picture was refined by 5 sweeps over all frames: misfit "
    )


def test_refinement_works_with_the_learned_light(
    network: Make, tiny_scan: RawData, scales: Normalisation
) -> None:
    """Under twice the amplitude of light, as a network may have learned it, the object is half as strong."""
    plain, bright = network(), network()
    bright.log_gain.assign(np.log(2.0))
    strengths = [
        np.abs(
            infer.reconstruct(made, scales, tiny_scan, options=PictureOptions(refine_epochs=20)).object
        ).mean()
        for made in (plain, bright)
    ]
    assert strengths[1] == pytest.approx(strengths[0] / 2, rel=0.1)


OUT_OF_MEMORY = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")


def test_memory_shortage_halves_the_batch(
    caplog: pytest.LogCaptureFixture, trained: TrainedTensorFlowNetwork
) -> None:
    """Steps that do not fit are repeated with half as many groups, and every group is done once."""
    done: list[int] = []

    def step(span: slice) -> None:
        if span.stop - span.start > 3:
            raise OUT_OF_MEMORY
        done.extend(range(*span.indices(20)))

    list(grouped.fitting_spans(trained, 20, 16, step))
    assert done == list(range(20))
    assert [record.getMessage() for record in caplog.records] == [
        f"memory ran out: the batch size of inference is now {size}" for size in (8, 4, 2)
    ]


@pytest.mark.parametrize("error", [OUT_OF_MEMORY, MemoryError()])
def test_single_group_that_does_not_fit_is_an_error(
    error: Exception, trained: TrainedTensorFlowNetwork
) -> None:
    """There is nothing smaller than one group."""

    def step(span: slice) -> None:
        raise error

    with pytest.raises(type(error)):
        list(grouped.fitting_spans(trained, 20, 4, step))


def test_other_errors_are_not_taken_for_memory(trained: TrainedTensorFlowNetwork) -> None:
    """An error that has nothing to do with memory comes through at once."""
    calls = []

    def step(span: slice) -> None:
        calls.append(span)
        raise tf.errors.InvalidArgumentError(None, None, "shapes cannot be multiplied")

    with pytest.raises(tf.errors.InvalidArgumentError, match="cannot be multiplied"):
        list(grouped.fitting_spans(trained, 20, 8, step))
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("threads", "told"),
    [
        (None, []),
        (1, []),
        (2, ["reconstruction with 1 CPU thread (TensorFlow had started with them; 2 as set)"]),
    ],
)
def test_threads_that_come_too_late_are_told(
    threads: int | None,
    told: list[str],
    network: Make,
    tiny_scan: RawData,
    scales: Normalisation,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """TensorFlow keeps the threads that it started with; a setting that wants others hears of it."""
    infer.reconstruct(network(), scales, tiny_scan, options=PictureOptions(threads=threads))
    assert [record.getMessage() for record in caplog.records if record.name == "ptycho.tf.threads"] == told


def test_many_reconstructions_stay_silent(
    network: Make,
    tiny_scan: RawData,
    scales: Normalisation,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that reconstructs one small scan after the other hears nothing of how TensorFlow does it."""
    counts = polymorphic_function._FrequentTracingDetectorManager()  # Those of earlier tests are worn out.
    monkeypatch.setattr(polymorphic_function, "_frequent_tracing_detector_manager", counts)
    made = network()
    caplog.set_level(logging.WARNING)
    for _ in range(6):
        infer.reconstruct(made, scales, tiny_scan)
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_frames_of_another_size_are_refused(tiny_scan: RawData, scales: Normalisation) -> None:
    """The error names both sizes, before anything is copied to a device."""
    settings = NetworkSettings(N=128, architecture="unet", n_filters_scale=1)
    made = PtychoNetwork(settings, np.ones((1, 128, 128), np.complex64), 1.0)
    with pytest.raises(ValueError, match="was made for 128 x 128") as caught:
        infer.reconstruct(made, scales, tiny_scan)
    assert str(caught.value) == (
        f"the frames of {tiny_scan.source} have 64 x 64 pixels, and the network was made for 128 x 128\n"
        "  expected  frames of 128 x 128 pixels after data.crop_px and data.bin\n"
        "  try       a network trained with model.N = 64"
    )
