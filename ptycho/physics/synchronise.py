"""Patches whose global phases differ by unknown constants agree where they overlap."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph, linalg
from scipy.spatial import KDTree

from ptycho.physics.arrays import Complex, Real, require_finite, require_shape, require_weights
from ptycho.physics.canvas import Canvas, cut, place, require_positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

_log = logging.getLogger(__name__)

_NEIGHBOURS = 12
"""Neighbours that each patch is compared with; more when these do not connect the scan."""

_MOST_NEIGHBOURS = 48
_REACH = 0.75
"""Patches farther apart than this fraction of their side share too little to be compared."""

_DENSE_UP_TO = 200
"""Patches up to which the dense eigenvalue routine is as fast, and never fails to converge."""

_BATCH = 1024
# Sums of weights and products below it are zeros of dark patches: the floor spares a division by them.
_TINY = 1e-30


def synchronise_phases(patches: Complex, positions: Real, weights: Real, *, sweeps: int = 2) -> Complex:
    """Turn each patch by a phase of its own so that all agree where they overlap.

    Diffraction does not tell the global phase of a single patch; overlaps do. The products of
    neighbouring patches, summed over their overlaps, form a Hermitian matrix whose leading eigenvector
    holds the phases that all overlaps together agree on best. A few comparisons of each patch with the
    sub-pixel canvas follow. Comparisons with the canvas alone, from arbitrary phases, get stuck with
    domains of different phase.

    Args:
        patches: Complex patches, shape (n, N, N).
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        weights: Confidence of each patch pixel, the inverse of its variance, shape (N, N): |P|².
        sweeps: Times that all patches are compared with the canvas at the end.

    Returns:
        Patches of the same moduli and dtype, shape (n, N, N). One global phase stays free; parts of the
        scan that share no overlap keep one each.

    Raises:
        ShapeError: The shapes do not belong together.
        ValueError: A patch or a position is not finite, or the weights are negative, NaN or all zero.

    Source:
        Singer, Appl. Comput. Harmon. Anal. 30, 20 (2011): angular synchronisation by eigenvectors;
        Boumal, SIAM J. Optim. 26, 2355 (2016): the sweeps, a projected power method.
    """
    phases = relative_phases(patches, positions, weights, sweeps=sweeps)
    return patches * phases.astype(patches.dtype)[:, None, None]


def relative_phases(patches: Complex, positions: Real, weights: Real, *, sweeps: int = 2) -> Complex:
    """Find the phase factors, shape (n,), that :func:`synchronise_phases` multiplies the patches by."""
    N = patches.shape[-1]
    require_shape("patches", patches, ("n", N, N), "patches[None] for a single one")
    require_positions(positions, len(patches))
    require_shape("weights", weights, (N, N), "one weight for each patch pixel")
    require_weights(weights, len(patches), N)
    require_finite(patches, "looking at the training loss: did it diverge?")
    if len(patches) == 1:
        return np.ones(1, dtype=np.complex128)
    unit = (weights / weights.max()).astype(patches.real.dtype)
    phases = spectral_phases(overlap_products(patches, positions, unit))
    canvas = Canvas.around(positions, N)
    for _ in range(sweeps):
        picture = _picture(patches, positions, unit, phases, canvas)
        phases = _follow(patches, positions, unit, picture, canvas)
    return phases


def overlap_products(patches: Complex, positions: Real, weights: Real) -> sparse.csr_array:
    """Sum the products of neighbouring patches over their overlaps: entry (i, j) is sum p_j conj(p_i).

    A pixel counts as much as the difference of two patches is certain there: with weights that are
    inverse variances, w_i w_j / (w_i + w_j). Offsets are rounded to whole pixels, enough to know a phase.

    Args:
        patches: Complex patches, shape (n, N, N).
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        weights: Confidence of each patch pixel, shape (N, N).

    Returns:
        Hermitian matrix, shape (n, n), zero for patches that were not compared.
    """
    N = patches.shape[-1]
    first, second = neighbour_pairs(positions, N)
    offsets = np.rint(positions[second] - positions[first]).astype(int)
    products = np.zeros(len(first), dtype=np.complex128)
    triples = zip(first.tolist(), second.tolist(), offsets.tolist(), strict=True)
    for index, (i, j, (dx, dy)) in enumerate(triples):
        here = (slice(max(0, dy), N + min(0, dy)), slice(max(0, dx), N + min(0, dx)))
        there = (slice(max(0, -dy), N + min(0, -dy)), slice(max(0, -dx), N + min(0, -dx)))
        mine, yours = weights[here], weights[there]
        certain = mine * yours / np.maximum(mine + yours, _TINY)
        # vdot conjugates its first argument: the entry is p_j conj(p_i).
        products[index] = np.vdot(certain * patches[i][here], patches[j][there])
    n = len(patches)
    # Every pair stands once, i < j, so that adding the adjoint doubles nothing.
    half = sparse.csr_array((products, (first, second)), shape=(n, n))
    return sparse.csr_array(half + half.conj().T)


def neighbour_pairs(positions: Real, N: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List pairs i < j of near neighbours whose windows overlap, enough of them to connect the scan.

    Args:
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        N: Patch side.

    Returns:
        First and second members, each of shape (pairs,).
    """
    n = len(positions)
    tree = KDTree(positions)
    count = min(_NEIGHBOURS, n - 1)
    while True:
        # One more than asked for: the nearest of each patch is itself.
        _, nearest = tree.query(positions, k=count + 1)
        i, j = np.repeat(np.arange(n), count + 1), nearest.ravel()
        near = np.abs(positions[i] - positions[j]).max(axis=1) < _REACH * N
        pairs = np.unique(np.sort(np.stack([i, j], axis=1)[near & (i != j)], axis=1), axis=0)
        graph = sparse.csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
        parts, _ = csgraph.connected_components(graph, directed=False)
        if parts == 1 or count >= min(_MOST_NEIGHBOURS, n - 1):
            break
        count = min(2 * count, n - 1)
    if parts > 1:
        _log.warning(
            "the scan falls into %d parts without overlap; each keeps a global phase of its own", parts
        )
    return pairs[:, 0], pairs[:, 1]


def spectral_phases(products: sparse.csr_array) -> Complex:
    """Find the phase factors that agree best with all products at once, part by connected part.

    Args:
        products: Hermitian matrix of :func:`overlap_products`, shape (n, n).

    Returns:
        Factors of modulus 1, shape (n,); patch i times factor i agrees with its neighbours.
    """
    count, part = csgraph.connected_components(abs(products), directed=False)
    phases = np.ones(products.shape[0], dtype=np.complex128)
    for label in range(count):
        members = np.flatnonzero(part == label)
        if len(members) > 1:
            phases[members] = _leading_phases(products[members][:, members])
    return phases


def _leading_phases(products: sparse.csr_array) -> Complex:
    """Take the phases of the leading eigenvector, normalised so that well-connected patches do not rule."""
    strength = np.asarray(abs(products).sum(axis=1)).ravel()
    scale = sparse.diags_array(1.0 / np.sqrt(np.maximum(strength, _TINY)))
    normal = sparse.csr_array(scale @ products @ scale)
    n = products.shape[0]
    if n <= _DENSE_UP_TO:
        vector = np.linalg.eigh(normal.toarray())[1][:, -1]
    else:
        # A fixed start keeps the result the same from run to run.
        start = np.random.default_rng(0).standard_normal(n).astype(np.complex128)
        _, vectors = linalg.eigsh(
            normal, k=1, which="LA", v0=start, tol=1e-4, ncv=min(n - 1, 64), maxiter=50 * n
        )
        vector = vectors[:, 0]
    return _unit(vector)


def _picture(patches: Complex, positions: Real, weights: Real, phases: Complex, canvas: Canvas) -> Complex:
    """Add up all patches, turned and weighted."""
    picture = np.zeros(canvas.shape, dtype=patches.dtype)
    for start in range(0, len(patches), _BATCH):
        span = slice(start, start + _BATCH)
        turned = patches[span] * phases[span].astype(patches.dtype)[:, None, None]
        picture += place(turned * weights, positions[span], canvas)
    return picture


def _follow(patches: Complex, positions: Real, weights: Real, picture: Complex, canvas: Canvas) -> Complex:
    """Turn each patch to the phase of the picture beneath it.

    The picture holds the patch's own part too: the matrix of all comparisons is then positive, and
    its projected power method never takes a step back.
    """
    factors = np.empty(len(patches), dtype=np.complex128)
    for start in range(0, len(patches), _BATCH):
        span = slice(start, start + _BATCH)
        beneath = cut(picture, positions[span], patches.shape[-1], origin_px=canvas.origin_px)
        factors[span] = np.einsum("nij,nij->n", beneath * weights, patches[span].conj())
    return _unit(factors)


def _unit(values: Complex) -> Complex:
    """Keep the phase of each value; a vanishing one has phase 0."""
    size = np.abs(values)
    turned: Complex = np.where(size > _TINY, values / np.maximum(size, _TINY), 1.0)
    return turned
