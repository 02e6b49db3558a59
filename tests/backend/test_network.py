"""The whole network: shapes for every setting, slopes that are true, masks that hold."""

import numpy as np
import pytest

from ptycho.network.settings import NetworkSettings
from ptycho.physics import fourier
from ptycho.training.loss import Loss, LossWeights

BOTH = pytest.mark.parametrize("architecture", ["cnn", "unet", "canvas_unet"])


def batch(side, network, size=2, seed=0, dtype=np.float32):
    """Random amplitudes and offsets of whole groups, centred as the scan's are."""
    rng = np.random.default_rng(seed)
    settings = network.settings
    X = rng.random((size, settings.positions, settings.N, settings.N)).astype(dtype)
    offsets = 4 * rng.standard_normal((size, settings.positions, 2))
    return side.tensor(X), side.tensor((offsets - offsets.mean(1, keepdims=True)).astype(dtype))


def moved(side, network, **arrays):
    """Load a network's own weights with some of them changed."""
    side.load(network, side.export(network) | {name: np.asarray(a) for name, a in arrays.items()})
    return network


@BOTH
@pytest.mark.parametrize("gridsize", [1, 2, 3])
@pytest.mark.parametrize("N", [64, 128])
def test_every_size_gives_patches_and_amplitudes(side, make_network, architecture, gridsize, N):
    """One complex patch and one amplitude for each position."""
    network = make_network(N=N, gridsize=gridsize, architecture=architecture)
    X, relative = batch(side, network, size=1)
    patches, amplitude = (side.array(a) for a in side.predict(network, X, relative))
    assert patches.shape == amplitude.shape == tuple(X.shape)
    assert patches.dtype == np.complex64
    assert np.isfinite(amplitude).all()


@pytest.mark.parametrize("gridsize", [1, 2, 3])
@pytest.mark.parametrize(
    ("architecture", "N"), [("cnn", 256), ("unet", 32), ("unet", 72), ("unet", 256), ("canvas_unet", 72)]
)
def test_each_architecture_takes_its_own_sides(side, make_network, architecture, N, gridsize):
    """The cnn goes up to 256; the unet takes multiples of eight."""
    network = make_network(N=N, architecture=architecture, gridsize=gridsize)
    patches, amplitude = side.predict(network, *batch(side, network, size=1))
    assert tuple(patches.shape) == (1, gridsize**2, N, N)
    assert np.isfinite(side.array(amplitude)).all()


@BOTH
@pytest.mark.parametrize(
    "values",
    [
        {"pad_object": False},
        {"probe_big": False},
        {"object_big": False, "gridsize": 2},
        {"probe_mask": True, "gaussian_smoothing_sigma": 0.5},
        {"amp_activation": "swish"},
        {"amp_activation": "softplus"},
        {"amp_activation": "relu"},
        {"probe_modes": 3, "probe_trainable": True},
        {"model_type": "supervised"},
        {"cbam_encoder": True},
    ],
)
def test_every_setting_trains_with_finite_slopes(side, make_network, architecture, values):
    """Each choice gives a loss whose gradient reaches every weight and is finite."""
    network = make_network(architecture=architecture, **values)
    X, relative = batch(side, network)
    supervised = network.settings.model_type == "supervised"
    loss = Loss(side.ops, LossWeights(mae=1, supervised=supervised))
    labels = side.ops.polar(X, X) if supervised else None

    def score():
        prediction = side.predict(network, X, relative)
        return loss(prediction, X, network.intensity_scale, labels=labels)[0]

    for name, slope in side.learned_slopes(network, score).items():
        if supervised and "log_gain" in name:
            continue  # Labels say nothing about the detector.
        assert slope is not None, name
        assert np.isfinite(slope).all(), name


@pytest.mark.parametrize("gridsize", [1, 2])
def test_turned_frames_are_all_that_turning_changes(side, make_network, gridsize):
    """What the cnn makes of a frame turned about [N/2, N/2] it makes of the frame where it is to turn it."""
    plain, turning = (make_network(gridsize=gridsize, turn_frames=turn) for turn in (False, True))
    X, _ = batch(side, plain)
    turned = np.roll(side.array(X)[..., ::-1, ::-1], (1, 1), (-2, -1))
    whole, expected = (side.array(net.patches(x)) for net, x in ((turning, X), (plain, side.tensor(turned))))
    np.testing.assert_allclose(whole, expected, atol=1e-5)
    assert not np.allclose(whole, side.array(plain.patches(X)), atol=1e-3)


def test_cnn_has_the_size_of_the_contract(side, make_network):
    """About 2.3 million weights at N = 64, scale 2, single positions."""
    assert side.count_parameters(make_network(n_filters_scale=2)) == pytest.approx(2.3e6, rel=0.05)


@BOTH
def test_predicted_amplitude_is_the_physics_of_the_patches(side, make_network, architecture):
    """The second output is the numpy forward model of the first, gain included.

    On the canvas of a scan that is so at whole pixels: patches between them are interpolated, waves are not.
    """
    network = moved(side, make_network(architecture=architecture, gridsize=2, probe_modes=2), log_gain=0.1)
    X, relative = batch(side, network)
    if architecture == "canvas_unet":
        relative = side.tensor(np.rint(side.array(relative)))
    prediction = side.predict(network, X, relative)
    patches, amplitude = (side.array(a) for a in prediction)
    reference = np.exp(0.1) * fourier.far_field_amplitude(patches, side.array(network.probe))
    assert np.linalg.norm(amplitude - reference) <= 1e-4 * np.linalg.norm(reference)


@BOTH
def test_a_group_does_not_depend_on_its_batch(side, make_network, architecture):
    """The same group gives the same patches alone and among others that reach less far."""
    network = make_network(architecture=architecture, gridsize=2)
    X, relative = (side.array(t) for t in batch(side, network, size=5))
    relative = np.concatenate([relative[:1], 0.5 * relative[1:]])
    together = side.array(side.predict(network, side.tensor(X), side.tensor(relative)).patches)[:1]
    alone = side.array(side.predict(network, side.tensor(X[:1]), side.tensor(relative[:1])).patches)
    np.testing.assert_allclose(together, alone, rtol=1e-3, atol=1e-4)


@BOTH
def test_bad_pixels_do_not_reach_the_network(side, make_network, architecture):
    """What masked pixels say, NaN included, changes nothing."""
    good = np.ones((64, 64), bool)
    good[10, 20] = False
    network = moved(side, make_network(architecture=architecture), mask=good)
    X, relative = batch(side, network)
    spoilt = side.array(X).copy()
    spoilt[..., 10, 20] = np.nan
    clean = side.array(side.predict(network, X, relative).patches)
    np.testing.assert_array_equal(
        clean, side.array(side.predict(network, side.tensor(spoilt), relative).patches)
    )


def test_a_missing_offset_means_single_positions(side, make_network):
    """The measurement alone is enough where nothing is merged."""
    network = make_network(architecture="unet")
    X, relative = batch(side, network)
    alone, placed = (side.array(side.predict(network, X, at).patches) for at in (None, 0 * relative))
    np.testing.assert_array_equal(alone, placed)


@BOTH
def test_double_precision_stays_double(side, make_network, architecture):
    """Nothing on the way rounds to single precision."""
    network = make_network("float64", architecture=architecture, gridsize=2)
    prediction = side.predict(network, *batch(side, network, dtype=np.float64))
    patches, amplitude = (side.array(a) for a in prediction)
    assert patches.dtype == np.complex128
    assert amplitude.dtype == np.float64
    single = make_network(architecture=architecture, gridsize=2)
    expected = side.array(side.predict(single, *batch(side, single)).amplitude)
    assert np.linalg.norm(amplitude - expected) <= 1e-4 * np.linalg.norm(expected)


@BOTH
def test_slopes_of_the_weights_equal_finite_differences(side, make_network, rng, architecture):
    """The gradient through network, merging and physics is the slope that the loss has."""
    network = make_network("float64", architecture=architecture, gridsize=2)
    # A white probe leaves no pixel dark; near darkness the misfit curves within any step.
    white = rng.standard_normal((1, 64, 64)) + 1j * rng.standard_normal((1, 64, 64))
    moved(side, network, probe=white)
    start = side.export(network)
    # The last layers alone: behind a ReLU whose input is exactly zero there is no slope to compare.
    steps = {n: rng.standard_normal(a.shape) for n, a in start.items() if "/last/" in n or "/centre/" in n}
    # The unet removes the gain from what it sees and holds it constant there, on purpose.
    steps |= {"log_gain": rng.standard_normal(())} if architecture == "cnn" else {}
    X, relative = batch(side, network, size=1, dtype=np.float64)
    loss = Loss(side.ops, LossWeights(nll=1, mae=1))

    def score():
        return loss(side.predict(network, X, relative), X, network.intensity_scale / network.gain)[0]

    def value(h):
        moved(side, network, **{name: start[name] + h * step for name, step in steps.items()})
        return float(side.array(score()))

    slopes = side.canonical_slopes(network, score)
    slope = sum(float(np.sum(slopes[name] * step)) for name, step in steps.items())
    h = 1e-9
    assert slope == pytest.approx((value(h) - value(-h)) / (2 * h), rel=1e-4)


@pytest.mark.parametrize("trainable", [False, True])
def test_probe_and_scale_learn_only_where_asked(side, make_network, trainable):
    """Trainable or not, both are held by the network and travel with its weights."""
    plain = make_network(probe_trainable=False, intensity_scale_trainable=False)
    network = make_network(probe_trainable=trainable, intensity_scale_trainable=trainable)
    more = side.count_parameters(network) - side.count_parameters(plain)
    assert more == (2 * 64**2 + 1 if trainable else 0)
    assert {"probe", "log_gain", "measured_scale", "mask"} <= side.export(network).keys()


def test_scale_in_force_is_measured_times_gain(side, make_network):
    """The learned gain multiplies the measured scale."""
    network = moved(side, make_network(), log_gain=np.log(1.5))
    assert float(side.array(network.intensity_scale)) == pytest.approx(1.5 * 988.2118)


def test_unet_learns_the_probe_through_the_loss(side, make_network):
    """Every mode of a trainable probe gets a slope from the forward model."""
    network = make_network(architecture="unet", probe_modes=2, probe_trainable=True)
    X, relative = batch(side, network)
    loss = Loss(side.ops, LossWeights())
    slopes = side.canonical_slopes(
        network, lambda: loss(side.predict(network, X, relative), X, network.intensity_scale)[0]
    )
    assert np.abs(slopes["probe"]).max(axis=(1, 2)).min() > 0


def test_unet_with_a_learned_gain_sees_the_gain_removed(side, make_network):
    """Doubling both gain and measurement leaves the picture as it is."""
    network = make_network(architecture="unet", gridsize=2)
    X, relative = batch(side, network)
    before = side.array(side.predict(network, X, relative).patches)
    moved(side, network, log_gain=np.log(2.0))
    after = side.array(side.predict(network, 2 * X, relative).patches)
    np.testing.assert_allclose(after, before, rtol=1e-3, atol=1e-4)


def test_a_probe_that_does_not_fit_is_an_error(side):
    """The error names both shapes."""
    with pytest.raises(ValueError, match="does not fit the network") as error:
        side.build(NetworkSettings(probe_modes=2), np.ones((1, 64, 64), np.complex64), 1.0, "float32")
    assert str(error.value) == (
        "the probe of shape (1, 64, 64) and type complex64 does not fit the network\n"
        "  expected  complex, shape (2, 64, 64) (model.probe_modes, model.N, model.N)\n"
        "  try       a probe of that size, or other values of model.N and model.probe_modes"
    )


def test_a_mask_that_does_not_fit_is_an_error(side):
    """The error names both shapes."""
    probe = np.ones((1, 64, 64), np.complex64)
    with pytest.raises(ValueError, match="does not fit the detector") as error:
        side.build(NetworkSettings(), probe, 1.0, "float32", mask=np.ones((32, 32), bool))
    assert str(error.value) == (
        "the mask of shape (32, 32) does not fit the detector\n"
        "  expected  true at good pixels, shape (64, 64) (model.N)\n"
        "  try       a mask of the size of the frames after data.crop_px and data.bin"
    )


@BOTH
def test_a_short_training_lowers_the_loss(side, make_network, rng, architecture):
    """Thirty steps on one batch bring the network closer to the measurement than it began."""
    network = make_network(architecture=architecture)
    modulus, phase = rng.random((2, 4, 1, 64, 64)).astype(np.float32)
    truth = ((0.4 + 0.5 * modulus) * np.exp(1j * phase)).astype(np.complex64)
    X = side.tensor(side.array(network.diffract(side.tensor(truth))))
    loss = Loss(side.ops, LossWeights(nll=0, mae=1))
    values = side.descend(network, lambda: loss(side.predict(network, X), X, network.intensity_scale)[0], 30)
    assert values[-1] < 0.8 * values[0]


@BOTH
def test_amplitude_and_phase_multiply(side, make_network, architecture):
    """Saturated heads give a patch of amplitude 1 and phase pi: -1, not a sum of the two."""
    network = make_network(architecture=architecture)
    weights = {n: a for n, a in side.export(network).items() if n.startswith("core/")}
    saturated = {n: np.full_like(a, 0 if n.endswith("kernel") else 20) for n, a in weights.items()}
    patches = side.array(moved(side, network, **saturated).patches(*batch(side, network)))
    np.testing.assert_allclose(patches, -1, atol=1e-4)


def test_another_seed_gives_other_weights(side):
    """The seed of the training decides where a network starts."""
    probe = np.ones((1, 64, 64), np.complex64)
    first, second = (side.build(NetworkSettings(), probe, 1.0, "float32", seed=seed) for seed in (0, 1))
    name = "core/encoder/levels/0/conv0/kernel"
    assert not np.array_equal(side.export(first)[name], side.export(second)[name])
