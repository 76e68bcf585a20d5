// The viewer: our own addresses before it starts, ways to draw and to look at the model, words when it fails.
//   <model-viewer data-viewer data-decoder="…">   every viewer of the page
//   [data-tools]                                  shown once scripts run; radios named "look", buttons [data-orbit]

import { sceneOf } from './scene.js';

const viewers = [...document.querySelectorAll('model-viewer[data-viewer]')];
// Set before model-viewer's own module runs. Our models need no other decoder.
const decoder = new URL(viewers[0]?.dataset.decoder ?? '', location.href).href;
self.ModelViewerElement = { ...self.ModelViewerElement, meshoptDecoderLocation: decoder };

const CLAY = [0.48, 0.46, 0.43, 1];
const WIRE = [0.03, 0.04, 0.12, 1];

// What the material is like in the shop, kept before anything changes it.
function surfaceOf(viewer) {
  const material = viewer.model.materials[0];
  const pbr = material.pbrMetallicRoughness;
  viewer.inShop ??= {
    color: pbr.baseColorTexture.texture,
    surface: pbr.metallicRoughnessTexture.texture,
    relief: material.normalTexture?.texture ?? null,
    factor: [...pbr.baseColorFactor],
    roughness: pbr.roughnessFactor,
    metallic: pbr.metallicFactor,
  };
  return { material, pbr, inShop: viewer.inShop };
}

function draw(viewer, look) {
  const { material, pbr, inShop } = surfaceOf(viewer);
  const plain = look !== 'shop';
  drawTriangles(viewer, look === 'wire');
  pbr.baseColorTexture.setTexture(plain ? null : inShop.color);
  pbr.metallicRoughnessTexture.setTexture(plain ? null : inShop.surface);
  material.normalTexture?.setTexture(plain ? null : inShop.relief);
  pbr.setRoughnessFactor(plain ? 0.85 : inShop.roughness);
  pbr.setMetallicFactor(plain ? 0 : inShop.metallic);
  pbr.setBaseColorFactor(look === 'clay' ? CLAY : look === 'wire' ? WIRE : inShop.factor);
}

// Its place for announcements has the same name in every viewer: two on a page could not be told apart.
function nameRegion(viewer) {
  const region = viewer.shadowRoot.querySelector('[role=region][aria-label]');
  if (viewers.length > 1) region?.setAttribute('aria-label', `Announcements about the model: ${viewer.alt}`);
}

function drawTriangles(viewer, shown) {
  sceneOf(viewer).traverse((node) => {
    for (const material of [node.material ?? []].flat()) {
      if (material.isMeshStandardMaterial) material.wireframe = shown;
    }
  });
}

for (const viewer of viewers) {
  const card = viewer.closest('.card');
  const tools = card.querySelector('[data-tools]');
  viewer.addEventListener('load', () => {
    viewer.dataset.ready = 'yes';
    nameRegion(viewer);
    if (tools) tools.hidden = false;
    surfaceOf(viewer);
  });
  viewer.addEventListener('error', () => {
    const trouble = card.querySelector('#model-trouble');
    if (trouble) trouble.hidden = false;
  });
  card.addEventListener('change', (event) => {
    if (event.target.name !== 'look') return;
    draw(viewer, event.target.value);
    viewer.dispatchEvent(new CustomEvent('look', { detail: event.target.value }));
  });
  card.addEventListener('click', (event) => {
    const orbit = event.target.closest('[data-orbit]')?.dataset.orbit;
    if (!orbit) return;
    viewer.cameraOrbit = ''; // the same value again would change nothing after people have turned it
    viewer.cameraOrbit = `${orbit} auto`;
    viewer.cameraTarget = 'auto auto auto';
  });
}
