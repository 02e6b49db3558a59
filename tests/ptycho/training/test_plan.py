"""Everything that is settled before the first step of a training."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable

import numpy as np
import pytest

from ptycho.scan.raw_data import RawData
from ptycho.training.plan import Plan

Make = Callable[..., Plan]


def bare(scan: RawData, **changes: object) -> RawData:
    """Make the scan again from its arrays, some of them changed."""
    arrays = {
        "xcoords": scan.xcoords,
        "ycoords": scan.ycoords,
        "xcoords_start": None,
        "ycoords_start": None,
        "diff3d": scan.diff3d,
        "probeGuess": scan.probeGuess,
        "scan_index": None,
        "options": dataclasses.replace(scan.options, position_origin="centre"),
    }
    return RawData(**arrays | changes)  # type: ignore[arg-type]


def as_amplitudes(scan: RawData) -> RawData:
    """Hand over the roots of a scan's counts, whose dose nothing tells."""
    options = dataclasses.replace(scan.options, quantity="amplitude", position_origin="centre")
    return bare(scan, diff3d=scan.amplitudes(), options=options)


def test_probe_scale_acts_where_it_is_set(plan_of: Make, caplog: pytest.LogCaptureFixture) -> None:
    """A probe divided by 4 cannot explain the data: the log warns; the default divides nothing."""
    plain = plan_of()
    assert not [r for r in caplog.records if r.levelno == logging.WARNING]
    divided = plan_of(probe_scale=4.0)
    assert divided.probe == pytest.approx(plain.probe / 4)
    [warning] = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert warning.getMessage() == (
        f"the probe has {plain.normalisation.energy_ratio / 16:.3g} times the energy of a mean frame, where "
        "1 to 4 lets an object amplitude between 0 and 1 explain the data: the image may turn constant "
        "(model.probe_scale)"
    )


def test_only_a_given_dose_is_reported(plan_of: Make) -> None:
    """Counts measure the dose: a default is passed over in silence, a setting that differs is told."""
    notes = [
        [note for note in plan.notes if "not obeyed" in note] for plan in (plan_of(), plan_of(nphotons=5e8))
    ]
    assert notes == [
        [],
        ["the setting of 5e+08 photons is not obeyed: the file holds counts, and they measure the dose"],
    ]


def test_probe_is_scaled_once(plan_of: Make) -> None:
    """The network's probe has the energy that the normalisation says, in units of a mean frame's."""
    plan = plan_of()
    energy = float((np.abs(plan.probe) ** 2).sum())
    assert energy == pytest.approx(plan.normalisation.energy_ratio * 32**2, rel=1e-4)


def test_intensity_scale_is_another_word_for_the_dose(plan_of: Make, tiny_scan: RawData) -> None:
    """For amplitudes s = sqrt(nphotons) / (N/2), whichever of the two is set; a contradiction is refused."""
    scan = as_amplitudes(tiny_scan)
    by_photons = plan_of(scan, nphotons=1e6).normalisation
    by_scale = plan_of(scan, intensity_scale=1e3 / 32).normalisation
    assert by_scale.intensity_scale == pytest.approx(1e3 / 32)
    assert by_scale.nphotons == pytest.approx(by_photons.nphotons)
    with pytest.raises(ValueError, match="intensity_scale") as caught:
        plan_of(scan, intensity_scale=100.0, nphotons=1e6)
    assert str(caught.value) == (
        "model.intensity_scale = 100 means 1.024e+07 photons a frame, and training.nphotons is 1e+06\n"
        "  expected  one of the two, or two that agree\n"
        "  try       model.intensity_scale left out, or 31.25"
    )


def test_counts_do_not_take_their_scale_from_a_setting(plan_of: Make) -> None:
    """Counts measure s: a setting that says otherwise is reported, and contradicts nothing."""
    plain = plan_of().normalisation
    for written, dose in (({}, "1.024e+07"), ({"nphotons": 1e6}, "1e+06")):
        plan = plan_of(intensity_scale=100.0, **written)
        assert plan.normalisation.intensity_scale == plain.intensity_scale
        assert any(note.startswith(f"the setting of {dose} photons is not obeyed") for note in plan.notes)


def test_nominal_positions_serve_where_none_were_measured(plan_of: Make, tiny_scan: RawData) -> None:
    """positions_provided = false lays every frame at its nominal position, and says so."""
    nominal = tiny_scan.xcoords + 45 * np.arange(tiny_scan.n_frames)
    scan = bare(tiny_scan, xcoords_start=nominal, ycoords_start=tiny_scan.ycoords)
    measured = plan_of(scan, gridsize=2)
    placed = plan_of(scan, gridsize=2, positions_provided=False)
    reach = [
        float(np.abs(plan.batches_of(plan.groups.train).batch([0]).relative).max())
        for plan in (measured, placed)
    ]
    assert reach[0] < 50 < reach[1]
    note = "the nominal positions are used, not the measured ones (training.positions_provided = false)"
    assert note in placed.notes
    assert note not in measured.notes
    only = plan_of(positions_provided=False).notes
    assert note.replace("not the measured ones", "the only ones that the scan has") in only


def test_settings_without_effect_are_told(plan_of: Make) -> None:
    """A setting that this training has no use for is among its decisions."""
    assert (
        'model.probe_big has nothing to act on: model.architecture is "unet"'
        in plan_of(probe_big=False).notes
    )


def test_nothing_held_out_ranks_by_the_training_loss(plan_of: Make) -> None:
    """Without held-out frames train_loss takes the place of val_loss, and it is told."""
    plan = plan_of(validation_fraction=0.0)
    assert plan.monitor == plan.optimisation.watched == "train_loss"
    assert "nothing is held out: train_loss ranks the epochs in place of val_loss" in plan.notes


def test_frames_of_another_size_are_refused(plan_of: Make, tiny_scan: RawData) -> None:
    """The error names both sizes."""
    with pytest.raises(ValueError, match="64 x 64") as caught:
        plan_of(N=128)
    assert str(caught.value) == (
        f"the frames of {tiny_scan.source} have 64 x 64 pixels, and model.N is 128\n"
        "  expected  frames of 128 x 128 pixels after data.crop_px and data.bin\n"
        "  try       model.N = 64"
    )


def test_unknown_monitor_is_refused(plan_of: Make) -> None:
    """The error lists the metrics of this training."""
    with pytest.raises(ValueError, match="val_accuracy") as caught:
        plan_of(execution={"checkpoint_monitor_metric": "val_accuracy"})
    assert str(caught.value) == (
        "checkpoint_monitor_metric 'val_accuracy' is none of the metrics of this training\n"
        "  expected  one of train_loss, train_nll, val_loss, val_nll\n"
        '  try       execution.checkpoint_monitor_metric = "val_loss"'
    )


def test_scan_without_probe_is_refused(plan_of: Make, tiny_scan: RawData) -> None:
    """The error names the key."""
    with pytest.raises(ValueError, match="has no probe") as caught:
        plan_of(bare(tiny_scan, probeGuess=None))
    assert str(caught.value) == (
        "the scan has no probe\n"
        "  expected  probeGuess, complex, of shape (N, N) or (P, N, N)\n"
        '  try       data.probe = "file:key", a probe in a file of its own; an estimate will do'
    )
