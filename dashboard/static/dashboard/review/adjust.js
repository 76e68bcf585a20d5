// Surface and stance, tried out in the viewer: what is sent is only what somebody moved.

import { sceneOf } from './scene.js';

const box = document.querySelector('[data-adjust]');
const viewer = document.querySelector('#model');
const form = box?.querySelector('form');
const fields = [...(form?.querySelectorAll('[data-name]') ?? [])];
const ROUGH = 1, METAL = 2; // channels of the packed map
const LARGEST = 512;
const LAYS = { x90: [0, 90], 'x-90': [0, -90], x180: [0, 180], z90: [90, 0], 'z-90': [-90, 0], z180: [180, 0] };
const moved = new Set();
let map = null; // the packed map as it is: { canvas texture, pixels, means }

async function readMap() {
  const picture = new Image();
  picture.crossOrigin = 'anonymous';
  picture.src = form.dataset.surface;
  await picture.decode();
  const scale = Math.min(1, LARGEST / Math.max(picture.naturalWidth, picture.naturalHeight));
  const width = Math.max(1, Math.round(picture.naturalWidth * scale));
  const height = Math.max(1, Math.round(picture.naturalHeight * scale));
  const texture = viewer.createCanvasTexture();
  const canvas = texture.source.element;
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.translate(0, height);
  context.scale(1, -1); // pictures made of a canvas are turned over on their way to the graphics card
  context.drawImage(picture, 0, 0, width, height);
  const pixels = context.getImageData(0, 0, width, height);
  return { texture, context, pixels, of: [0, ROUGH, METAL].map((channel) => figures(pixels.data, channel)) };
}

function figures(data, channel) {
  let sum = 0, low = 255, high = 0;
  for (let at = channel; at < data.length; at += 4) {
    sum += data[at];
    low = Math.min(low, data[at]);
    high = Math.max(high, data[at]);
  }
  const mean = 4 * sum / data.length;
  return { mean: mean / 255, below: (mean - low) / 255, above: (high - mean) / 255 };
}

// As the worker will do it: the mean moves, and differences stay as large as there is room for.
function withMeans(wanted) {
  const { texture, context, pixels, of } = map;
  const next = new ImageData(new Uint8ClampedArray(pixels.data), pixels.width, pixels.height);
  for (const [channel, mean] of wanted) {
    const { mean: old, below, above } = of[channel];
    const keep = Math.min(1, below > 0 ? mean / below : 1, above > 0 ? (1 - mean) / above : 1);
    for (let at = channel; at < next.data.length; at += 4) {
      next.data[at] = 255 * (mean + keep * (pixels.data[at] / 255 - old));
    }
  }
  context.putImageData(next, 0, 0);
  texture.source.update();
  return texture;
}

// Not by the element's `orientation`: model-viewer 4.4 then looks for an AR session that there is not.
function stand([roll, pitch], yaw) {
  const scene = sceneOf(viewer);
  const [x, y, z] = [pitch, yaw, roll].map((degrees) => degrees * Math.PI / 180);
  const [before] = scene.models.map((model) => model.rotation.toArray().join());
  for (const model of scene.models) model.rotation.set(x, y, z, 'YXZ');
  if (scene.models[0].rotation.toArray().join() === before) return; // a moved slider must not move the camera
  scene.updateBoundingBox();
  viewer.updateFraming();
  scene.updateShadow();
  scene.queueRender();
}

const value = (name) => fields.find((field) => field.dataset.name === name).value;

function show() {
  const material = viewer.model.materials[0].pbrMetallicRoughness, inShop = viewer.inShop;
  const wanted = [['roughness', ROUGH], ['metallic', METAL]].filter(([name]) => moved.has(name));
  if (wanted.length && map) {
    material.metallicRoughnessTexture.setTexture(withMeans(wanted.map(([name, channel]) => [channel, value(name) / 100])));
    material.setRoughnessFactor(1);
    material.setMetallicFactor(1);
  } else {
    material.metallicRoughnessTexture.setTexture(inShop.surface);
    material.setRoughnessFactor(inShop.roughness);
    material.setMetallicFactor(inShop.metallic);
  }
  material.baseColorTexture.setTexture(inShop.color);
  material.setBaseColorFactor(moved.has('tint') ? value('tint') : inShop.factor);
  stand(LAYS[value('lay')] ?? [0, 0], Number(value('turn_degrees')) || 0);
  tell();
}

function tell() {
  for (const field of fields) {
    const output = form.querySelector(`output[for=${field.id}]`);
    if (output) output.textContent = `${field.value} %${moved.has(field.dataset.name) ? '.' : ' now.'}`;
    field.name = moved.has(field.dataset.name) ? field.dataset.name : ''; // what nobody moved is not sent
  }
  form.querySelector('[data-save]').disabled = form.querySelector('[data-reset]').disabled = !moved.size;
}

function settle() {
  moved.clear();
  form.reset();
  if (map) {
    form.querySelector('#roughness').value = Math.round(100 * map.of[ROUGH].mean);
    form.querySelector('#metallic').value = Math.round(100 * map.of[METAL].mean);
  }
  show();
}

function touch(field) {
  const unchanged = { tint: '#ffffff', turn_degrees: '0', lay: '' }[field.dataset.name];
  if (field.value === unchanged || (field.type === 'number' && !Number(field.value))) moved.delete(field.dataset.name);
  else moved.add(field.dataset.name);
  document.querySelector('[name=look][value=shop]').click(); // what is changed would not be seen in clay
  show();
}

async function begin() {
  try {
    map = await readMap();
  } catch { // a version without pictures of its maps: the sliders stay away, the rest works
    form.querySelectorAll('#roughness, #metallic').forEach((field) => { field.closest('.field').hidden = true; });
  }
  box.hidden = false;
  settle();
}

if (form && viewer) {
  form.addEventListener('input', (event) => { if (fields.includes(event.target)) touch(event.target); });
  form.addEventListener('click', (event) => {
    const by = Number(event.target.closest('[data-turn]')?.dataset.turn ?? 0);
    if (by) {
      const field = form.querySelector('#turn');
      const turned = (Number(field.value) || 0) + by;
      field.value = turned > 180 ? turned - 360 : turned <= -180 ? turned + 360 : turned;
      viewer.cameraOrbit = '';
      viewer.cameraOrbit = '0deg 75deg auto';
      touch(field);
      form.querySelector('[data-told]').textContent = `Turned to ${field.value} degrees`;
    }
    if (event.target.closest('[data-reset]')) settle();
  });
  viewer.addEventListener('load', begin, { once: true });
}
