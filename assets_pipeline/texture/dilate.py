"""Fill what a texture leaves open from what is there."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def nearest_covered(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """The flat index of the covered texel nearest to each texel, int32 (h, w). `mask` covers at least one texel."""
    assert mask.any(), "nothing to fill from"
    open_texels = np.ascontiguousarray(~mask, np.uint8)
    labels = cv2.distanceTransformWithLabels(open_texels, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)[1]
    covered = np.flatnonzero(mask)
    texel_of_label = np.zeros(int(labels.max()) + 1, np.int32)
    texel_of_label[labels.ravel()[covered]] = covered
    return texel_of_label[labels]


def dilate(image: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[Any]:
    """`image` (h, w) or (h, w, c) with every texel outside `mask` set to the nearest one inside."""
    flat = image.reshape(mask.size, -1)
    return flat[nearest_covered(mask).ravel()].reshape(image.shape)


def pad(image: NDArray[np.uint8], mask: NDArray[np.bool_], reach: float = 8.0) -> NDArray[np.uint8]:
    """`image` with the texels outside `mask` filled for mipmaps and for compression.

    Up to `reach` texels away the nearest covered texel goes on, so that no blend at a chart's rim leaves the chart.
    Farther off the fill is the smooth mean of what lies around, which an encoder makes 10 to 25 % smaller than streaks.
    """
    if mask.all():
        return image
    nearest = dilate(image, mask)
    near = cv2.distanceTransform(np.ascontiguousarray(~mask, np.uint8), cv2.DIST_L2, 3) <= reach
    if near.all():
        return nearest
    smooth = _pulled_and_pushed(nearest.astype(np.float32), near.astype(np.float32))
    return np.where(near[..., None] if image.ndim == 3 else near, nearest, np.rint(smooth).astype(np.uint8))


def _pulled_and_pushed(image: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """`image` where `weight` is 1, elsewhere the mean of ever larger blocks, blended.

    Source: Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4.
    """
    height, width = weight.shape
    if min(height, width) < 2:
        return image
    small = ((width + 1) // 2, (height + 1) // 2)
    spread = weight[..., None] if image.ndim == 3 else weight
    total = cv2.resize(image * spread, small, interpolation=cv2.INTER_AREA)
    share = cv2.resize(weight, small, interpolation=cv2.INTER_AREA)
    divisor = np.maximum(share, 1e-6)
    mean = (total / (divisor[..., None] if image.ndim == 3 else divisor)).astype(np.float32)
    coarse = _pulled_and_pushed(mean, (share > 0).astype(np.float32))
    fine = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(spread > 0, image, fine).astype(np.float32)
