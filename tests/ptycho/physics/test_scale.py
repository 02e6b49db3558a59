"""Normalisation: the stated numbers, counts that come back, a probe that can explain the data, once."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.physics.arrays import ShapeError
from ptycho.physics.fourier import far_field_amplitude
from ptycho.physics.noise import amplitude_of
from ptycho.physics.scale import Normalisation, mean_square_of, measure

positive = st.floats(1e-3, 1e12)
sides = st.sampled_from([8, 64, 128])


def flat_probe(N, energy, modes=1):
    """Make modes of a total energy, the same everywhere."""
    return np.full((modes, N, N), np.sqrt(energy / modes) / N, complex)


def test_intensity_scale_of_the_reference_case():
    """1e9 photons at N = 64 give 988.2118, whichever way the photons are known."""
    for quantity in ("counts", "amplitude"):
        scale = measure(1e9, 64, quantity, 1e9, flat_probe(64, 1.0))
        assert scale.intensity_scale == pytest.approx(988.2118, abs=5e-5)


@given(mean_square=positive, N=sides, energy=positive)
def test_normalised_frames_have_the_stated_energy(mean_square, N, energy):
    """The mean of sum X² is (N/2)²."""
    scale = measure(mean_square, N, "counts", None, flat_probe(N, energy))
    assert scale.amplitude_factor**2 * mean_square == pytest.approx((N / 2) ** 2, rel=1e-12)


@given(counts=st.lists(st.integers(0, 65535), min_size=4, max_size=4).filter(any))
def test_counts_come_back_from_normalised_amplitudes(counts):
    """(s X)² are the counts of the file again, from uint16 too."""
    frame = np.array(counts, np.uint16).reshape(1, 2, 2)
    amplitude = amplitude_of(frame)
    scale = measure(mean_square_of(amplitude), 2, "counts", None, flat_probe(2, 1.0))
    np.testing.assert_allclose(scale.counts(scale.amplitudes(amplitude)), frame, rtol=1e-5, atol=1e-3)


@given(mean_square=positive, nphotons=st.floats(1, 1e12))
def test_photons_set_the_dose_of_amplitudes(mean_square, nphotons):
    """For amplitudes the setting holds: the mean of sum (s X)² is nphotons."""
    scale = measure(mean_square, 64, "amplitude", nphotons, flat_probe(64, 1.0))
    mean_counts = scale.intensity_scale**2 * scale.amplitude_factor**2 * mean_square
    assert mean_counts == pytest.approx(nphotons, rel=1e-12)


@given(mean_square=positive, nphotons=st.floats(1, 1e12))
def test_counts_measure_their_own_dose(mean_square, nphotons):
    """For counts the data hold, whatever the setting says."""
    scale = measure(mean_square, 64, "counts", nphotons, flat_probe(64, 1.0))
    assert scale.nphotons == mean_square
    assert scale.nphotons_setting == nphotons


@given(ratio=st.floats(1.0, 4.0), modes=st.integers(1, 3), mean_square=positive)
def test_a_believable_probe_scale_is_kept(ratio, modes, mean_square):
    """A probe in sqrt(photons) with 1 to 4 times the frame energy is divided by s and nothing else."""
    probe = flat_probe(64, ratio * (1 + 1e-9 * (ratio < 2) - 1e-9 * (ratio > 2)) * mean_square, modes)
    scale = measure(mean_square, 64, "counts", None, probe)
    assert scale.probe_scale_kept
    assert scale.probe_factor == pytest.approx(1 / scale.intensity_scale, rel=1e-9)
    assert scale.energy_ratio == pytest.approx(ratio, rel=1e-6)


@given(ratio=st.floats(1e-9, 0.99) | st.floats(4.01, 1e9), mean_square=positive)
def test_any_other_probe_gets_twice_the_energy(ratio, mean_square):
    """The new sum |P|² is 2 (N/2)², over all modes."""
    probe = flat_probe(64, ratio * mean_square, modes=2)
    scale = measure(mean_square, 64, "counts", None, probe)
    assert not scale.probe_scale_kept
    assert np.sum(np.abs(scale.probe(probe)) ** 2) == pytest.approx(2 * 32**2, rel=1e-9)


def test_the_network_can_reach_the_data(rng):
    """With a kept scale, an object of modulus below 1 predicts X: no probe is divided by its scale twice."""
    y, x = np.mgrid[:64, :64] - 32
    probe = (300 * np.exp(-(x**2 + y**2) / 200))[None].astype(complex)
    patches = 0.7 * np.exp(1j * rng.uniform(-1, 1, (4, 64, 64)))
    measured = far_field_amplitude(patches, probe)
    scale = measure(mean_square_of(measured), 64, "counts", None, probe)
    predicted = far_field_amplitude(patches, scale.probe(probe))
    np.testing.assert_allclose(predicted, scale.amplitudes(measured), rtol=1e-9)


def test_probe_keeps_single_precision():
    """complex64 in, complex64 out."""
    scale = measure(1e6, 8, "counts", None, flat_probe(8, 1.0))
    assert scale.probe(flat_probe(8, 1.0).astype(np.complex64)).dtype == np.complex64


def test_normalisation_survives_json():
    """as_dict and from_dict are inverse, through JSON, to the last bit."""
    scale = measure(461_000.7, 128, "counts", 1e9, flat_probe(128, 3.0))
    assert Normalisation.from_dict(json.loads(json.dumps(scale.as_dict()))) == scale


def test_mean_square_does_not_overflow(rng):
    """uint16 amplitudes are squared in double precision."""
    frames = np.full((3, 4, 4), 60_000, np.uint16)
    assert mean_square_of(frames) == 16 * 60_000.0**2


def test_notes_say_what_was_not_obeyed():
    """A differing photon setting is reported for counts; the probe's scale is told."""
    scale = measure(461_000.0, 128, "counts", 1e9, flat_probe(128, 3.0))
    assert scale.notes() == [
        "4.61e+05 photons a frame (measured), intensity scale 10.6089",
        "the setting of 1e+09 photons is not obeyed: the file holds counts, and they measure the dose",
        "probe energy is 2 times the mean frame energy: the probe was rescaled",
    ]


def test_notes_of_amplitudes_name_the_setting():
    """For amplitudes the photons are those that were set."""
    assert measure(1.0, 64, "amplitude", 1e9, flat_probe(64, 1.5e9)).notes() == [
        "1e+09 photons a frame (training.nphotons: amplitudes do not tell the dose), intensity scale 988.212",
        "probe energy is 1.5 times the mean frame energy: its scale is kept",
    ]


@pytest.mark.parametrize(
    ("arguments", "wrong", "remedy"),
    [
        (
            (0.0, 8, "counts", None, flat_probe(8, 1.0)),
            "mean energy of the frames is 0.0",
            "looking at the frames: are they all zero?",
        ),
        (
            (float("nan"), 8, "counts", None, flat_probe(8, 1.0)),
            "mean energy of the frames is nan",
            "looking at the frames: are they all zero?",
        ),
        (
            (1.0, 8, "amplitude", None, flat_probe(8, 1.0)),
            "number of photons in a frame is None",
            "training.nphotons = 1e9: the amplitudes of a file do not tell the dose",
        ),
        (
            (1.0, 8, "counts", None, flat_probe(8, 0.0)),
            "energy of the probe is 0.0",
            "looking at probeGuess of the scan file",
        ),
    ],
    ids=["dark", "nan", "no-photons", "dark-probe"],
)
def test_what_cannot_be_scaled_is_refused(arguments, wrong, remedy):
    """No light, no photons, no probe: each has its sentence."""
    with pytest.raises(ValueError, match="expected  a positive number") as caught:
        measure(*arguments)
    assert str(caught.value) == f"the {wrong}\n  expected  a positive number\n  try       {remedy}"


def test_probe_of_another_side_is_refused():
    """Frames of 8 pixels need a probe of 8 pixels."""
    with pytest.raises(ShapeError, match=r"probe has shape \(1, 4, 4\)"):
        measure(1.0, 8, "counts", None, flat_probe(4, 1.0))


def test_foreign_dictionaries_are_refused():
    """A stored normalisation that lacks or adds something is named."""
    stored = measure(1.0, 8, "counts", None, flat_probe(8, 1.0)).as_dict()
    del stored["probe_factor"]
    stored["gain"] = 2.0
    with pytest.raises(ValueError, match="stored normalisation") as caught:
        Normalisation.from_dict(stored)
    assert str(caught.value) == (
        "the stored normalisation lacks probe_factor and has the unknown gain\n"
        "  expected  amplitude_factor, intensity_scale, probe_factor, nphotons, mean_square, energy_ratio, "
        "probe_scale_kept, nphotons_setting, quantity\n"
        "  try       the scaling.json that training wrote"
    )


@pytest.mark.parametrize("value", ["x", [1.0], 0.0, -1.0, float("nan"), True, None])
def test_stored_values_that_are_no_scales_are_refused(value):
    """What came from a file is judged before anything is divided by it."""
    stored = measure(1.0, 8, "counts", None, flat_probe(8, 1.0)).as_dict()
    stored["mean_square"] = value
    with pytest.raises(ValueError, match="stored normalisation") as caught:
        Normalisation.from_dict(stored)
    assert str(caught.value) == (
        f"the stored normalisation has mean_square = {value!r}\n"
        "  expected  a positive number\n"
        "  try       the scaling.json that training wrote"
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("nphotons_setting", "many", "a positive number"),
        ("probe_scale_kept", "yes", "true or false"),
        ("quantity", "\x1b[2J", "counts or amplitude"),
    ],
)
def test_stored_words_of_another_kind_are_refused(name, value, expected):
    """What is said about the scales is judged too, before it is repeated in a report."""
    stored = measure(1.0, 8, "counts", None, flat_probe(8, 1.0)).as_dict() | {name: value}
    with pytest.raises(ValueError, match="stored normalisation") as caught:
        Normalisation.from_dict(stored)
    assert str(caught.value) == (
        f"the stored normalisation has {name} = {value!r}\n"
        f"  expected  {expected}\n"
        "  try       the scaling.json that training wrote"
    )
