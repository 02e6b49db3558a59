"""Reconstruct a scan with a trained network."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.network.settings import NetworkSettings
from ptycho.physics.scale import Normalisation, measure
from ptycho.raw_data import RawData
from ptycho.reconstruction import groups as grouped
from ptycho.reconstruction import picture
from ptycho.reconstruction.picture import PictureOptions
from ptycho.scan.frame_store import LazyFrames
from ptycho.scan.grouping import relative_coordinates
from ptycho_torch.lit import infer
from ptycho_torch.lit.trained_network import TrainedTorchNetwork
from ptycho_torch.nn.model import PtychoNetwork


@pytest.fixture(scope="module")
def scales(tiny_scan: RawData) -> Normalisation:
    """The scales of the small scan."""
    return measure(tiny_scan.mean_square(), 64, "counts", None, np.asarray(tiny_scan.probe_modes))


@pytest.fixture(scope="module")
def network(tiny_scan: RawData, scales: Normalisation) -> Callable[[int], PtychoNetwork]:
    """Make a network with weights as drawn, of a gridsize."""

    def make(gridsize: int = 1) -> PtychoNetwork:
        torch.manual_seed(0)
        settings = NetworkSettings(gridsize=gridsize, architecture="unet", n_filters_scale=1)
        probe = scales.probe(np.asarray(tiny_scan.probe_modes))
        return PtychoNetwork(settings, probe, scales.intensity_scale)

    return make


class Truth(PtychoNetwork):
    """Answers with the true patch of each frame, whose index is written into its first pixel."""

    def patches(
        self,
        measured: torch.Tensor,
        relative: torch.Tensor | None = None,
        good: torch.Tensor | None = None,
        probe: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Look the patches up."""
        index = measured[..., 0, 0].round().long()
        return self.truth[index]  # type: ignore[index]


@given(st.integers(4, 40), st.sampled_from([1, 2]), st.integers(0, 5))
def test_every_position_leads_one_group(n: int, gridsize: int, seed: int) -> None:
    """Group i starts with position i, and its members differ, coinciding positions included."""
    positions = np.random.default_rng(seed).integers(0, 4, (n, 2)).astype(float)
    groups = grouped.own_groups(positions, gridsize)
    assert groups.shape == (n, gridsize**2)
    assert groups[:, 0].tolist() == list(range(n))
    assert all(len(set(group)) == gridsize**2 for group in groups.tolist())


def test_group_members_are_nearest_neighbours() -> None:
    """Beside its leader a group holds the positions nearest to it."""
    positions = np.array([[0.0, 0], [1, 0], [2, 0], [3, 0], [10, 0], [11, 0]])
    assert sorted(grouped.own_groups(positions, 2)[0].tolist()) == [0, 1, 2, 3]
    assert sorted(grouped.own_groups(positions, 2)[5].tolist()) == [2, 3, 4, 5]


def test_too_few_positions_are_refused() -> None:
    """A network for groups needs a group."""
    with pytest.raises(ValueError, match="3 positions") as caught:
        grouped.own_groups(np.zeros((3, 2)), 2)
    assert str(caught.value) == (
        "the scan has 3 positions, and the network looks at groups of 4\n"
        "  expected  at least 4 positions (model.gridsize = 2)\n"
        "  try       a network that was trained with model.gridsize = 1"
    )


@pytest.mark.parametrize("gridsize", [1, 2])
def test_batch_size_changes_nothing(
    gridsize: int, network: Callable[[int], PtychoNetwork], tiny_scan: RawData, scales: Normalisation
) -> None:
    """Groups are independent: any batch size gives the same picture, to rounding."""
    made = network(gridsize)
    whole = infer.reconstruct(made, scales, tiny_scan, batch_size=1000)
    parts = infer.reconstruct(made, scales, tiny_scan, batch_size=7)
    assert np.abs(whole.object - parts.object).max() < 1e-4
    assert whole.positions.shape == (40, 2)
    assert whole.probe.shape == (1, 64, 64)


def test_true_patches_give_the_true_object(tiny_scan: RawData, scales: Normalisation) -> None:
    """With a network that knows the answer the stitched picture is the truth, up to one phase."""
    truth = Truth(
        NetworkSettings(architecture="unet", n_filters_scale=1), np.asarray(tiny_scan.probe_modes), 1.0
    )
    truth.truth = torch.from_numpy(tiny_scan.labels() * np.exp(1j * np.arange(40))[:, None, None]).to(
        torch.complex64
    )
    counted = tiny_scan.amplitudes()
    counted[:, 0, 0] = np.arange(40) / scales.amplitude_factor
    scan = RawData(
        tiny_scan.xcoords,
        tiny_scan.ycoords,
        None,
        None,
        counted,
        tiny_scan.probeGuess,
        None,
        options=tiny_scan.options,
        quantity="amplitude",
    )
    one = Normalisation(
        scales.amplitude_factor, 1.0, 1.0, 1e9, scan.mean_square(), scales.energy_ratio, quantity="amplitude"
    )
    found = infer.reconstruct(truth, one, scan, options=PictureOptions(pad_eval=True))
    x, y = found.origin_px.astype(int)
    height, width = found.object.shape
    reference = np.asarray(tiny_scan.object_truth)[y : y + height, x : x + width]
    inside = found.coverage > 0.05 * found.coverage.max()
    turn = np.vdot(found.object[inside], reference[inside])
    error = np.abs(found.object[inside] * turn / abs(turn) - reference[inside])
    assert error.mean() < 0.02


def test_prediction_is_that_of_the_frame(
    network: Callable[[int], PtychoNetwork], tiny_scan: RawData, scales: Normalisation
) -> None:
    """Measured and predicted amplitudes are in sqrt(counts), of the frames that are named."""
    made = network(1)
    found = infer.reconstruct(made, scales, tiny_scan, batch_size=16)
    assert found.frame_indices.tolist() == [0, 13, 26, 39]
    assert found.measured == pytest.approx(tiny_scan.amplitudes(found.frame_indices), rel=1e-5)
    X = torch.from_numpy(tiny_scan.amplitudes([13]) * np.float32(scales.amplitude_factor))[None]
    with torch.inference_mode():
        alone = made(X, torch.zeros(1, 1, 2)).amplitude[0, 0].numpy() * scales.intensity_scale
    assert found.predicted[1] == pytest.approx(alone, rel=1e-3, abs=1e-2)


def test_another_dose_is_normalised(
    network: Callable[[int], PtychoNetwork], tiny_scan: RawData, scales: Normalisation
) -> None:
    """A scan with a quarter of the photons gives the same picture, and the difference is noted."""
    weak = RawData(
        tiny_scan.xcoords,
        tiny_scan.ycoords,
        None,
        None,
        np.asarray(tiny_scan.diff3d) // 4,
        tiny_scan.probeGuess,
        None,
        options=tiny_scan.options,
        quantity="counts",
    )
    made = network(1)
    strong, found = (infer.reconstruct(made, scales, scan) for scan in (tiny_scan, weak))
    assert np.abs(strong.object - found.object).max() < 0.01
    assert "frames have 0.25 times the energy of those trained on; the factor allows for it" in found.notes
    assert found.measured == pytest.approx(weak.amplitudes(found.frame_indices), rel=1e-5)


def test_border_cut_from_patches_counts_no_more(
    network: Callable[[int], PtychoNetwork], tiny_scan: RawData, scales: Normalisation
) -> None:
    """middle_trim takes the border out of the weights: the whole picture shrinks by it on every side."""
    made = network(1)
    whole = infer.reconstruct(made, scales, tiny_scan, options=PictureOptions(pad_eval=True))
    cut = infer.reconstruct(made, scales, tiny_scan, options=PictureOptions(pad_eval=True, middle_trim=24))
    rows = np.flatnonzero(whole.coverage.any(axis=1)), np.flatnonzero(cut.coverage.any(axis=1))
    assert rows[1][0] - rows[0][0] >= 20
    assert np.ptp(rows[1]) <= np.ptp(rows[0]) - 40


def test_uniform_weighting_covers_the_whole_patch(
    network: Callable[[int], PtychoNetwork], tiny_scan: RawData, scales: Normalisation
) -> None:
    """Every pixel of a patch counts the same, so that coverage counts frames; the probe counts light."""
    made = network(1)
    alike, lit = (
        infer.reconstruct(
            made, scales, tiny_scan, options=PictureOptions(pad_eval=True, patch_weighting=weighting)
        ).coverage
        for weighting in ("uniform", "probe")
    )
    assert alike.max() == pytest.approx(np.rint(alike.max()), abs=1e-3)
    assert alike.sum() == pytest.approx(tiny_scan.n_frames * 64**2, rel=1e-5)
    assert np.count_nonzero(lit > 0.01 * lit.max()) < np.count_nonzero(alike > 0.01 * alike.max())


def test_rim_is_cut_unless_asked_for(
    network: Callable[[int], PtychoNetwork], tiny_scan: RawData, scales: Normalisation
) -> None:
    """Without pad_eval the picture ends where coverage falls below a hundredth; what is left is the same."""
    made = network(1)
    whole = infer.reconstruct(made, scales, tiny_scan, options=PictureOptions(pad_eval=True))
    cut = infer.reconstruct(made, scales, tiny_scan)
    x, y = (cut.origin_px - whole.origin_px).astype(int)
    height, width = cut.object.shape
    assert height < whole.object.shape[0]
    assert np.array_equal(whole.object[y : y + height, x : x + width], cut.object)
    assert whole.object.shape[0] >= np.ptp(tiny_scan.positions[:, 1]) + 64


def test_refinement_fits_the_frames_better(
    network: Callable[[int], PtychoNetwork], tiny_scan: RawData, scales: Normalisation
) -> None:
    """Sweeps over all frames bring the prediction nearer to the measurement; the first picture is kept."""
    made = network(1)
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


def test_network_is_left_as_it_is(
    network: Callable[[int], PtychoNetwork], tiny_scan: RawData, scales: Normalisation
) -> None:
    """Mode, mask and weights of a network stay, whatever is reconstructed with it."""
    made = network(1).train()
    made.mask[0, 0] = False
    before = {name: value.clone() for name, value in made.state_dict().items()}
    infer.reconstruct(made, scales, tiny_scan)
    assert made.training
    assert all(torch.equal(before[name], value) for name, value in made.state_dict().items())


def test_bad_pixels_are_those_of_the_scan(
    network: Callable[[int], PtychoNetwork], tiny_scan: RawData, scales: Normalisation, tmp_path: Path
) -> None:
    """What a pixel measured that the scan calls bad changes nothing, whatever the training's mask was."""
    bad = np.zeros((64, 64), bool)
    bad[20:24, 30] = True
    np.save(tmp_path / "bad.npy", bad)
    options = dataclasses.replace(tiny_scan.options, mask=str(tmp_path / "bad.npy"))
    counts = np.array(tiny_scan.diff3d)
    pictures = []
    for dead in (0, 7):
        counts[:, bad] = dead
        scan = RawData(
            tiny_scan.xcoords,
            tiny_scan.ycoords,
            None,
            None,
            counts,
            tiny_scan.probeGuess,
            None,
            options=dataclasses.replace(
                options, quantity="counts", centre="middle", position_origin="centre"
            ),
        )
        pictures.append(infer.reconstruct(network(1), scales, scan).object)
    masked = TrainedTorchNetwork(network(1), scan).good
    assert np.array_equal(pictures[0], pictures[1])
    assert np.array_equal(masked.numpy(), ~bad)


@pytest.fixture
def trained(network: Callable[[int], PtychoNetwork], tiny_scan: RawData) -> TrainedTorchNetwork:
    """A small network, ready for the small scan."""
    return TrainedTorchNetwork(network(1), tiny_scan)


def test_memory_shortage_halves_the_batch(
    caplog: pytest.LogCaptureFixture, trained: TrainedTorchNetwork
) -> None:
    """Steps that do not fit are repeated with half as many groups, and every group is done once."""
    done: list[int] = []

    def step(span: slice) -> None:
        if span.stop - span.start > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        done.extend(range(*span.indices(20)))

    list(grouped.fitting_spans(trained, 20, 16, step))
    assert done == list(range(20))
    assert [record.args for record in caplog.records] == [(8,), (4,), (2,)]


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("x"), RuntimeError("DefaultCPUAllocator: can't allocate memory"), MemoryError()],
)
def test_single_group_that_does_not_fit_is_an_error(error: Exception, trained: TrainedTorchNetwork) -> None:
    """There is nothing smaller than one group."""

    def step(span: slice) -> None:
        raise error

    with pytest.raises(type(error)):
        list(grouped.fitting_spans(trained, 20, 4, step))


def test_other_errors_are_not_taken_for_memory(trained: TrainedTorchNetwork) -> None:
    """An error that has nothing to do with memory comes through at once."""
    calls = []

    def step(span: slice) -> None:
        calls.append(span)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        list(grouped.fitting_spans(trained, 20, 8, step))
    assert len(calls) == 1


def test_progress_is_reported(
    network: Callable[[int], PtychoNetwork], tiny_scan: RawData, scales: Normalisation
) -> None:
    """After each step the caller hears how many positions are done."""
    heard: list[int] = []
    infer.reconstruct(network(1), scales, tiny_scan, batch_size=16, on_batch=heard.append)
    assert heard == [16, 32, 40]


def test_execution_setting_beats_the_inference_batch_size() -> None:
    """execution.inference_batch_size wins where it is set."""
    execution = PyTorchExecutionConfig(accelerator="cpu")
    assert picture.batch_size_of(execution, 1000) == 1000
    execution.inference_batch_size = 8
    assert picture.batch_size_of(execution, 1000) == 8


def test_trim_that_leaves_nothing_is_refused(
    network: Callable[[int], PtychoNetwork], tiny_scan: RawData, scales: Normalisation
) -> None:
    """The error says how much may be cut."""
    with pytest.raises(ValueError, match="middle_trim") as caught:
        infer.reconstruct(network(1), scales, tiny_scan, options=PictureOptions(middle_trim=32))
    assert str(caught.value) == (
        "middle_trim = 32 leaves nothing of a patch of 64 x 64 pixels\n"
        "  expected  0 to 31\n"
        "  try       execution.middle_trim = 0"
    )


def test_frames_of_another_size_are_refused(tiny_scan: RawData, scales: Normalisation) -> None:
    """The error names both sizes."""
    settings = NetworkSettings(N=128, architecture="unet", n_filters_scale=1)
    made = PtychoNetwork(settings, np.ones((1, 128, 128), np.complex64), 1.0)
    with pytest.raises(ValueError, match="was made for 128 x 128") as caught:
        infer.reconstruct(made, scales, tiny_scan)
    assert str(caught.value) == (
        f"the frames of {tiny_scan.source} have 64 x 64 pixels, and the network was made for 128 x 128\n"
        "  expected  frames of 128 x 128 pixels after data.crop_px and data.bin\n"
        "  try       a network trained with model.N = 64"
    )


def test_debug_tells_what_is_decided(
    network: Callable[[int], PtychoNetwork],
    tiny_scan: RawData,
    scales: Normalisation,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With debug the steps of a reconstruction are logged, and afterwards the log is as quiet as before."""
    for debug in (False, True, False):
        caplog.clear()
        infer.reconstruct(network(1), scales, tiny_scan, options=PictureOptions(refine_epochs=2, debug=debug))
        told = [record.getMessage() for record in caplog.records if record.name == picture.logger.name]
        assert bool(told) is debug
        if debug:
            assert told[0].startswith("frames are held in memory (1 MB); X = ")
            assert any(line.startswith("misfit after each sweep: ") for line in told)


def test_each_position_gets_its_own_patch(
    network: Callable[[int], PtychoNetwork], tiny_scan: RawData, scales: Normalisation
) -> None:
    """Of a group's patches the leader's is kept: not the mean of the group."""
    made = network(2).eval()
    store = LazyFrames(tiny_scan, scales.amplitude_factor)
    trained = TrainedTorchNetwork(made, tiny_scan)
    found = grouped.infer_patches(trained, store, tiny_scan.positions, np.arange(0), grouped.Portions(7))
    groups = grouped.own_groups(tiny_scan.positions, 2)
    relative = relative_coordinates(tiny_scan.positions, groups)
    for place in (0, 17, 39):
        with torch.inference_mode():
            offsets = torch.from_numpy(relative[place].astype(np.float32))
            own = made(torch.from_numpy(store.frames(groups[place]))[None], offsets[None]).patches[0]
        assert found.patches[place] == pytest.approx(own[0].numpy(), abs=1e-4)
        assert np.abs(found.patches[place] - own.mean(0).numpy()).max() > 1e-2
