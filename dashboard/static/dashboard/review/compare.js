// Photos beside the model: the slider, the ways to compare, the photo picker, and where the two differ.

const EXTRA = [214, 51, 132], MISSING = [20, 110, 220], COLOR = [255, 140, 0];
const WIDEST = 720;
const FULL = 60; // mean difference of the channels, of 255, that is drawn in full colour

const card = document.querySelector('[data-compare]');
const figures = [...(card?.querySelectorAll('.comparison') ?? [])];

function slide(range) {
  const show = () => {
    range.closest('.compare-stage').style.setProperty('--at', `${range.value}%`);
    range.setAttribute('aria-valuetext', `${range.value} % photo, ${100 - range.value} % model`);
  };
  range.addEventListener('input', show);
  show();
}

async function pixels(source, width, height) {
  await source.decode();
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

function image(address) {
  const element = new Image();
  element.crossOrigin = 'anonymous';
  element.src = address;
  return element;
}

// How much brighter the photo is on the whole: another exposure is no other colour.
function exposure(seen, drawn) {
  let photo = 1, model = 1;
  for (let at = 0; at < seen.length; at += 4) {
    if (drawn[at + 3] < 255) continue;
    photo += seen[at] + seen[at + 1] + seen[at + 2];
    model += drawn[at] + drawn[at + 1] + drawn[at + 2];
  }
  return photo / model;
}

const mix = (from, to, share) => from + (to - from) * share;

async function differ(figure) {
  const canvas = figure.querySelector('canvas');
  if (canvas.dataset.drawn) return;
  canvas.dataset.drawn = 'yes';
  const photo = figure.querySelector('.compare-photo'), model = figure.querySelector('.compare-model img');
  photo.loading = model.loading = 'eager';
  await photo.decode();
  const scale = Math.min(1, WIDEST / photo.naturalWidth);
  const width = Math.round(photo.naturalWidth * scale), height = Math.round(photo.naturalHeight * scale);
  const cutout = figure.dataset.cutout ? image(figure.dataset.cutout) : null;
  const [seen, drawn, cut] = await Promise.all(
    [photo, model, cutout].map((each) => each && pixels(each, width, height)),
  );
  const result = new ImageData(width, height);
  const gain = exposure(seen, drawn);
  let extra = 0, missing = 0, all = 0;
  for (let at = 0; at < seen.length; at += 4) {
    const inModel = drawn[at + 3] > 127, inPhoto = cut ? cut[at + 3] > 127 : inModel;
    const grey = 0.3 * seen[at] + 0.59 * seen[at + 1] + 0.11 * seen[at + 2];
    let base = mix(grey, 235, inPhoto || inModel ? 0.35 : 0.8), color = null, share = 0;
    if (inPhoto) all += 1;
    if (inModel && inPhoto) {
      const difference = [0, 1, 2].reduce((sum, c) => sum + Math.abs(seen[at + c] - gain * drawn[at + c]), 0) / 3;
      [color, share] = [COLOR, Math.min(1, difference / FULL)];
    } else if (inModel) {
      [color, share, extra] = [EXTRA, 0.9, extra + 1];
    } else if (inPhoto) {
      [color, share, missing] = [MISSING, 0.9, missing + 1];
    }
    for (let c = 0; c < 3; c += 1) result.data[at + c] = color ? mix(base, color[c], share) : base;
    result.data[at + 3] = 255;
  }
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d').putImageData(result, 0, 0);
  const told = (count) => ` (${(100 * count / Math.max(1, all)).toFixed(1)} %)`;
  if (cut) {
    figure.querySelector('[data-extra]').textContent = told(extra);
    figure.querySelector('[data-missing]').textContent = told(missing);
  }
}

function show() {
  const mode = card.querySelector('[name=mode]:checked').value;
  card.dataset.mode = mode;
  for (const figure of figures) {
    const difference = mode === 'difference';
    figure.querySelector('canvas').hidden = !difference;
    figure.querySelector('[data-legend]').hidden = !difference;
    figure.querySelector('input[type=range]').hidden = mode !== 'slide';
    if (difference && !figure.hidden) differ(figure);
  }
}

function pick(number) {
  for (const figure of figures) figure.hidden = figure.id !== `photo-${number}`;
  for (const button of card.querySelectorAll('[data-photo]')) {
    button.setAttribute('aria-pressed', String(button.dataset.photo === number));
  }
  show();
}

if (figures.length) {
  card.querySelector('[data-tools]').hidden = false;
  card.querySelectorAll('input[type=range]').forEach(slide);
  card.addEventListener('change', (event) => { if (event.target.name === 'mode') show(); });
  card.addEventListener('click', (event) => {
    const number = event.target.closest('[data-photo]')?.dataset.photo;
    if (number) pick(number);
  });
  show();
}
