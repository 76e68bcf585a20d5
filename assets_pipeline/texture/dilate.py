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
