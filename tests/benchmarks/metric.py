"""shape -> how far it is from the truth

Protocol: the truth is centred with the longest side 2. Only points seen from outside along 24 directions count, because
artists' models hide geometry inside. The prediction is turned by the known rotations and by a coarse search over yaw,
aligned by similarity ICP, and measured: cd, the mean of the two mean distances (not squared); f01, F-score at 0.1; iou,
the mean agreement of silhouettes from 8 held-out directions. A generous alignment: scale and small turns are forgiven.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tests.benchmarks.objects import CACHE, Floats, Truth, embree_scene, eye_on, rays, rotation_y

POINTS = 10_000
ALIGNING = 2_500
HELD_OUT = ((45, 10), (135, 10), (225, 10), (315, 10), (0, 50), (180, 50), (90, 0), (20, -25))


@dataclass(frozen=True)
class Score:
    """How far one prediction is from the truth; see above. yaw: degrees that the alignment turned it by."""

    cd: float
    f01: float
    iou: float
    yaw: float
    family: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Similarity:
    """x -> scale * rotation @ x + offset."""

    scale: float
    rotation: Floats
    offset: Floats

    def __call__(self, points: Floats) -> Floats:
        return self.scale * points @ self.rotation.T + self.offset


def sample_surface(positions: Floats, indices: NDArray[Any], count: int, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """(points, faces): `count` points spread evenly over the area."""
    corners = positions[indices]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    random = np.random.default_rng(seed)
    faces = random.choice(len(area), count, p=area / area.sum())
    u, v = random.random((2, count))
    outside = u + v > 1
    u[outside], v[outside] = 1 - u[outside], 1 - v[outside]
    a, b, c = corners[faces].transpose(1, 0, 2)
    return a + (b - a) * u[:, None] + (c - a) * v[:, None], faces


def truth_points(truth: Truth) -> Floats:
    """Up to POINTS points of the true surface that can be seen from outside; kept under `var/bench`."""
    path = CACHE / "points" / f"{truth.name}.npy"
    if path.exists():
        return np.load(path, allow_pickle=False)
    points, faces = sample_surface(truth.positions, truth.indices, POINTS * 4, seed=1)
    normals = np.cross(
        *(truth.positions[truth.indices[faces, k]] - truth.positions[truth.indices[faces, 0]] for k in (1, 2))
    )
    directions = np.random.default_rng(0).normal(size=(24, 3))
    seen = np.zeros(len(points), bool)
    for direction in directions / np.linalg.norm(directions, axis=1, keepdims=True):
        side = np.sign(normals @ direction)[:, None]
        unit = normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12)
        towards = np.broadcast_to(direction, points.shape).astype(np.float32)
        seen |= truth.scene.run((points + unit * side * 2e-3).astype(np.float32), towards.copy()) < 0
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, points[seen][:POINTS])
    return points[seen][:POINTS]


def chamfer(a: Floats, b: Floats) -> float:
    return float((cKDTree(b).query(a)[0].mean() + cKDTree(a).query(b)[0].mean()) / 2)


def icp(moving: Floats, still: Floats, start: Similarity, steps: int = 16) -> tuple[float, Similarity]:
    """(chamfer, similarity): the best alignment met on the way; correspondences from both sides."""
    tree = cKDTree(still)
    now, best = start, (np.inf, start)
    for _ in range(steps):
        moved = now(moving)
        there, nearest = tree.query(moved)
        back, matched = cKDTree(moved).query(still)
        error = float((there.mean() + back.mean()) / 2)
        if error < best[0]:
            best = (error, now)
        now = fit_similarity(np.concatenate([moving, moving[matched]]), np.concatenate([still[nearest], still]))
    return best


def fit_similarity(source: Floats, target: Floats) -> Similarity:
    """Least squares. Source: Umeyama, "Least-squares estimation of transformation parameters", PAMI 1991."""
    a, b = source.mean(axis=0), target.mean(axis=0)
    u, sizes, vt = np.linalg.svd((target - b).T @ (source - a))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ np.diag(signs) @ vt
    scale = float((sizes * signs).sum() / ((source - a) ** 2).sum())
    return Similarity(scale, rotation, b - scale * rotation @ a)


def align(points: Floats, truth: Floats, rotations: Sequence[Floats]) -> Similarity:
    """The best similarity that starts from one of `rotations` or from one of twelve turns about the upright axis."""
    turns = [*rotations, *(rotation_y(np.deg2rad(30 * k)) for k in range(12))]
    few, few_truth = points[:600], truth[:600]
    spread = np.sqrt(((truth - truth.mean(axis=0)) ** 2).sum(axis=1).mean())
    starts = []
    for rotation in turns:
        turned = points @ rotation.T
        scale = float(spread / np.sqrt(((turned - turned.mean(axis=0)) ** 2).sum(axis=1).mean()))
        start = Similarity(
            scale,
            rotation,
            (truth.max(axis=0) + truth.min(axis=0)) / 2 - scale * (turned.max(axis=0) + turned.min(axis=0)) / 2,
        )
        starts.append((chamfer(start(few), few_truth), start))
    starts.sort(key=lambda item: item[0])
    return min((icp(points[:ALIGNING], truth[:ALIGNING], start) for _, start in starts[:3]), key=lambda item: item[0])[
        1
    ]


def silhouette_iou(truth: Truth, positions: Floats, indices: NDArray[Any], size: int = 112) -> float:
    """Mean over the held-out directions; `positions` already aligned."""
    prediction, shares = embree_scene(positions, indices), []
    for azimuth, elevation in HELD_OUT:
        eye = eye_on(truth.positions, azimuth, elevation, 20, size)
        ours, theirs = silhouette(prediction, eye), silhouette(truth.scene, eye)
        shares.append((ours & theirs).sum() / max((ours | theirs).sum(), 1))
    return float(np.mean(shares))


def silhouette(scene: EmbreeScene, eye: Any) -> NDArray[np.bool_]:
    origins, directions = rays(eye)
    return scene.run(origins.astype(np.float32), directions.astype(np.float32)) >= 0


def score(
    positions: NDArray[Any],
    indices: NDArray[Any],
    truth: Truth,
    rotations: Sequence[Floats] = (),
    *,
    family: str = "",
    seconds: float = 0.0,
) -> Score:
    """Compare a predicted surface with the truth. rotations: turns into the truth's frame that are known."""
    positions = np.asarray(positions, float)
    positions = (positions - positions.mean(axis=0)) / np.abs(positions - positions.mean(axis=0)).max()
    points, _ = sample_surface(positions, indices, POINTS, seed=0)
    expected = truth_points(truth)
    similarity = align(points, expected, rotations)
    points = similarity(points)
    there, back = cKDTree(expected).query(points)[0], cKDTree(points).query(expected)[0]
    precision, recall = (there < 0.1).mean(), (back < 0.1).mean()
    return Score(
        cd=float((there.mean() + back.mean()) / 2),
        f01=float(2 * precision * recall / max(precision + recall, 1e-9)),
        iou=silhouette_iou(truth, similarity(positions), indices),
        yaw=float(np.rad2deg(np.arctan2(similarity.rotation[0, 2], similarity.rotation[0, 0]))),
        family=family,
        seconds=seconds,
    )
