// Two viewers whose cameras move together, at one scale.

const viewers = [...document.querySelectorAll('[data-together]')];

function follow(leader) {
  const { theta, phi, radius } = leader.getCameraOrbit();
  const target = leader.getCameraTarget(), field = leader.getFieldOfView();
  for (const other of viewers) {
    if (other === leader || !other.dataset.ready) continue;
    other.cameraOrbit = `${theta}rad ${phi}rad ${radius}m`;
    other.cameraTarget = `${target.x}m ${target.y}m ${target.z}m`;
    other.fieldOfView = `${field}deg`;
    other.jumpCameraToGoal();
  }
}

for (const viewer of viewers) {
  viewer.addEventListener('camera-change', (event) => {
    if (event.detail.source === 'user-interaction') follow(viewer);
  });
  viewer.addEventListener('load', () => {
    if (viewers.every((each) => each.dataset.ready)) {
      const largest = viewers.toSorted((a, b) => b.getCameraOrbit().radius - a.getCameraOrbit().radius)[0];
      follow(largest);
    }
  });
}
