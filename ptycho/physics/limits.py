"""Numbers below which physics is not believed; the numpy reference and both backends share them."""

INTENSITY_FLOOR = 1e-12
"""Smallest intensity under the square root: keeps the slope of the amplitude finite in dark pixels."""

PHASE_FLOOR = 1e-6
"""Smallest predicted intensity, in the units of X², whose phase is believed: the far field of a beam is known
to 1e-7 in single precision, so the phase of a darker pixel is rounding, of another sign in every library."""

WIENER_LEVEL = 0.02
"""Regularisation of a back-projection, as a fraction of the brightest probe intensity."""

COVERAGE_FLOOR = 1e-6
"""Canvas pixels with less than this fraction of the largest summed weight count as never reached."""

LARGEST_PICTURE = 2**30
"""Pixels of a picture that a machine may hold; positions in other units span far more."""
