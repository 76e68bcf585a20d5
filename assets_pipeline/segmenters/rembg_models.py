"""photo -> soft mask by rembg's model sessions, on weights of ours

rembg's sessions look for weights in a folder of their own and download what is missing. Here each session class gets a
subclass that is told where its weights lie, so that nothing is ever downloaded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets_pipeline import weights
from assets_pipeline.errors import Unavailable

Triple = tuple[float, float, float]

IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)
THREADS = 2


@dataclass(frozen=True)
class Model:
    """How a network wants its photo. side: pixels. logits: whether it answers in logits instead of 0..1."""

    session: str
    side: int
    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD
    logits: bool = False


MODELS: Mapping[str, Model] = {
    "u2net": Model("u2net", 320),
    "u2netp": Model("u2netp", 320),
    "isnet": Model("isnet-general-use", 1024, mean=(0.5, 0.5, 0.5), std=(1.0, 1.0, 1.0)),
    "birefnet": Model("birefnet-general", 1024, logits=True),
}


@dataclass(frozen=True)
class RembgSegmenter:
    """One of rembg's models, run on two threads of the CPU. Its session is loaded once in a process, on first use."""

    name: str
    weights_dir: Path = field(repr=False)

    def __post_init__(self) -> None:
        if self.name not in MODELS:
            raise ValueError(f"no segmenter {self.name!r}; known: {', '.join(MODELS)}")

    def segment(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The product's soft mask, float32 (h, w) in 0..1, at the network's own sharpness."""
        import cv2

        model = MODELS[self.name]
        answer = infer(load_session(self.name, weights.path(self.name, self.weights_dir)), pixels, model)
        if model.logits:
            answer = (1 / (1 + np.exp(-answer))).astype(np.float32)
        height, width = pixels.shape[:2]
        mask = cv2.resize(answer, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.clip(mask, 0, 1).astype(np.float32)


def infer(session: Any, pixels: NDArray[np.uint8], model: Model) -> NDArray[np.float32]:
    """The network's raw answer, float32 (side, side).

    Not rembg's `predict`: that stretches every answer to 0..1, so that a white wall would seem to hold a product.
    """
    from onnxruntime.capi import onnxruntime_pybind11_state as onnx
    from PIL import Image

    network = session.inner_session
    tensors = session.normalize(Image.fromarray(pixels), model.mean, model.std, (model.side, model.side))
    try:
        answer = network.run([network.get_outputs()[0].name], tensors)[0]
    except (onnx.Fail, onnx.RuntimeException, onnx.EPFail) as error:
        raise Unavailable("out_of_memory", f"The cut-out could not be computed: {first_line(error)}.") from None
    return np.asarray(answer[0, 0], np.float32)


@lru_cache(maxsize=2)
def load_session(name: str, weights_path: Path) -> Any:
    """rembg's session for a model. Raises Unavailable when the weights can't be read."""
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as onnx

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # U²-Net: 0.66 GB instead of 1.08 GB, at the same speed
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session_class = local(MODELS[name].session)
    try:
        return session_class(name, options, providers=["CPUExecutionProvider"], weights_path=weights_path)
    except (onnx.InvalidProtobuf, onnx.Fail, onnx.NoSuchFile, onnx.RuntimeException, onnx.InvalidGraph) as error:
        advice = f"The weights of {name} cannot be read ({first_line(error)}): delete {weights_path} and fetch again."
        raise Unavailable("weights_broken", advice) from None


def local(session_name: str) -> Callable[..., Any]:
    """rembg's session class of that name, told where its weights lie instead of downloading them."""
    from rembg.sessions import sessions

    base: Any = sessions[session_name]

    class Local(base):
        """Opens the weights it is given."""

        @classmethod
        def download_models(cls, *args: Any, weights_path: Path, **kwargs: Any) -> str:
            return str(weights_path)

    return Local


def first_line(error: Exception) -> str:
    """What a library says, without its stack."""
    return (str(error).splitlines() or [""])[0][:200]
