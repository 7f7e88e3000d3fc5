"""Vessels and bright lesions in a photograph of the retina, with ``scipy.ndimage`` alone.

Plain SciPy code: nothing here knows of dispatch. `run_retina.py` runs it natively, with a backend selected,
and on tensors.
"""

from scipy import ndimage


def analyse(rgb):
    """Enhance a fundus photograph.

    Parameters
    ----------
    rgb : array of float32, shape (rows, columns, 3)
        Intensities from 0 to 1.

    Returns
    -------
    dict of str to array
        Images by name. The green channel has the best contrast of vessels.
    """
    smooth = ndimage.gaussian_filter(rgb, (1.0, 1.0, 0))
    green = smooth[:, :, 1]

    background = ndimage.uniform_filter(green, 101)
    flat = green - background

    dark = ndimage.black_tophat(flat, size=15)
    bright = ndimage.white_tophat(flat, size=25)
    vessels = ndimage.grey_opening(dark, size=(3, 3))
    bounds = ndimage.morphological_gradient(vessels, size=3)

    edges = ndimage.gaussian_gradient_magnitude(green, 2.0)
    ridges = ndimage.gaussian_laplace(green, 3.0)
    rows = ndimage.sobel(flat, axis=0)
    columns = ndimage.sobel(flat, axis=1)
    local_range = ndimage.maximum_filter(flat, 9) - ndimage.minimum_filter(flat, 9)
    return {
        "flattened": flat,
        "vessels": vessels,
        "vessel bounds": bounds,
        "lesions": bright,
        "edges": edges,
        "ridges": ridges,
        "slope": (rows**2 + columns**2) ** 0.5,
        "local range": local_range,
    }
