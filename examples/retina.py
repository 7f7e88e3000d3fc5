"""Vessels, bright lesions and regions in a photograph of the retina: SciPy, scikit-image and scikit-learn alone.

Plain code for these libraries: nothing here knows of dispatch. `run_retina.py` runs it natively, with a backend
selected, and on tensors.
"""

from scipy import ndimage
from skimage import color, exposure, filters, transform
from sklearn.cluster import KMeans


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
    smooth = filters.gaussian(rgb, 1.0, channel_axis=-1)
    green = smooth[:, :, 1]

    background = ndimage.uniform_filter(green, 101)
    flat = green - background
    contrast = exposure.rescale_intensity(flat, out_range=(0.0, 1.0))

    dark = ndimage.black_tophat(flat, size=15)
    bright = ndimage.white_tophat(flat, size=25)
    vessels = ndimage.grey_opening(dark, size=(3, 3))
    bounds = ndimage.morphological_gradient(vessels, size=3)
    is_vessel = vessels > filters.threshold_otsu(vessels)

    edges = ndimage.gaussian_gradient_magnitude(green, 2.0)
    ridges = filters.sato(green, sigmas=(2.0, 3.0))
    slope = filters.scharr(color.rgb2gray(smooth))
    local_range = ndimage.maximum_filter(flat, 9) - ndimage.minimum_filter(flat, 9)
    overview = transform.resize(rgb, (rgb.shape[0] // 4, rgb.shape[1] // 4), anti_aliasing=True)

    colors = color.rgb2lab(overview).reshape(-1, 3)
    regions = KMeans(n_clusters=6, random_state=1).fit_predict(colors).reshape(overview.shape[:2])
    return {
        "overview": overview,
        "flattened": contrast,
        "vessels": vessels,
        "vessel bounds": bounds,
        "is a vessel": is_vessel,
        "lesions": bright,
        "edges": edges,
        "ridges": ridges,
        "slope": slope,
        "local range": local_range,
        "regions": regions,
    }
