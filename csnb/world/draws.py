"""Random draws by name, so that two worlds differ only where their arguments do.

Every question that chance answers has its own stream, named by the seed, the question and the
group of sessions (usual, campaign, burst, repeat). A stream gives uniform numbers only, one a
row: taking away a group or changing a probability leaves all other draws as they were (common
random numbers). Probabilities are rounded to 6 digits before a draw is compared with them.
"""

from zlib import crc32

import numpy as np
from scipy.special import ndtri


def uniforms(seed, name, groups):
    """Give one uniform number a row, from one stream for each group.

    Parameters
    ----------
    seed : int
    name : str, the question
    groups : dict of group name to number of rows, or a number of rows

    Examples
    --------
    >>> a = uniforms(1, "rates", {"usual": 2, "burst": 1})
    >>> b = uniforms(1, "rates", {"usual": 2, "burst": 0})
    >>> bool((a[:2] == b).all())
    True
    """
    groups = groups if isinstance(groups, dict) else {"": groups}
    return np.concatenate([stream(seed, f"{name}/{group}").random(n) for group, n in groups.items()])


def stream(seed, name):
    """Give the named child stream of a seed."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, crc32(name.encode())])))


def normals(seed, name, groups):
    """Give one standard normal number a row, by inversion of a uniform one."""
    return ndtri(np.clip(uniforms(seed, name, groups), 1e-12, 1 - 1e-12))


def happens(seed, name, groups, probability):
    """Say for each row whether an event of this probability happens."""
    return uniforms(seed, name, groups) < np.round(probability, 6)


def choose(uniform, weights):
    """Choose a column for each row: `weights` is rows x columns (or one row for all), not negative."""
    cumulated = np.cumsum(np.atleast_2d(weights), axis=1)
    cumulated = np.round(cumulated / cumulated[:, -1:], 6)
    return np.minimum((uniform[:, None] >= cumulated).sum(axis=1), cumulated.shape[1] - 1)
