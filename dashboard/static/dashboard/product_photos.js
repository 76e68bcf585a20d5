// Photos go straight to the store: dropped or chosen, checked here first, three at a time, each with its own bar.

import { ask, megabytes, send } from './sending.js';

const adding = document.querySelector('#adding');
const list = document.querySelector('#uploads');
const AT_ONCE = 3;
const BY_ENDING = { jpg: 'image/jpeg', jpeg: 'image/jpeg', png: 'image/png', webp: 'image/webp', avif: 'image/avif',
  heic: 'image/heic', heif: 'image/heif', tif: 'image/tiff', tiff: 'image/tiff', bmp: 'image/bmp', gif: 'image/gif' };
const limits = {
  bytes: Number(adding.dataset.mostBytes), photos: Number(adding.dataset.mostPhotos), types: adding.dataset.types.split(' '),
};
const waiting = [];
const running = new Set();

const say = (text) => { document.querySelector('#uploads-said').textContent = text; };
const token = () => JSON.parse(document.body.getAttribute('hx-headers'))['X-CSRFToken'];
const here = () => document.querySelectorAll('#photos > li').length;

function typeOf(file) { // systems that do not know HEIC give it no type
  return limits.types.includes(file.type) ? file.type : BY_ENDING[file.name.split('.').pop().toLowerCase()] ?? '';
}

function problemOf(file, number) {
  if (!typeOf(file)) return 'This is no photo that we can read: send a JPEG, PNG, WebP, AVIF, HEIC, TIFF or BMP.';
  if (!file.size) return 'The file is empty: copy the photo once more.';
  if (file.size > limits.bytes) return `It has ${megabytes(file.size)}; at most ${megabytes(limits.bytes)} are taken. Save it as a smaller JPEG.`;
  if (number > limits.photos) return `A product has at most ${limits.photos} photos. Remove one first.`;
  return '';
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

class Upload {
  constructor(file) {
    this.file = file;
    this.bar = element('progress', { className: 'bar', max: 100, value: 0 });
    this.bar.setAttribute('aria-label', file.name);
    this.words = element('p', { className: 'upload-words small' });
    this.again = this.button('Try again', () => this.queue());
    this.stop = this.button('Cancel', () => this.cancel());
    this.row = element('li', { className: 'upload' }, element('strong', { className: 'upload-name', textContent: file.name }),
      this.bar, this.words, element('div', { className: 'upload-buttons' }, this.again, this.stop));
  }

  button(text, act) {
    const made = element('button', { type: 'button', className: 'button-quiet button-small', textContent: text });
    made.append(element('span', { className: 'visually-hidden', textContent: ` ${this.file.name}` }));
    made.addEventListener('click', act);
    return made;
  }

  tell(text, state) {
    this.words.textContent = text;
    this.row.dataset.state = state;
    this.again.hidden = state !== 'failed';
    this.bar.hidden = state === 'refused' || state === 'failed';
    this.stop.firstChild.textContent = state === 'refused' || state === 'failed' ? 'Dismiss' : 'Cancel';
    if (state === 'refused' || state === 'failed') say(`${this.file.name}: ${text}`);
  }

  queue() {
    this.cancelled = false;
    this.tell('Waiting', 'waiting');
    waiting.push(this);
    next();
  }

  async run() {
    this.tell('Starting', 'running');
    this.stopping = new AbortController();
    try {
      const place = await ask(adding.dataset.begin, { name: this.file.name, content_type: typeOf(this.file) }, token());
      this.remove = place.remove;
      await send(place, this.file, { signal: this.stopping.signal, tell: (percent, words) => {
        this.bar.value = percent;
        this.tell(words, 'running');
      } });
      this.tell('Nearly there', 'running');
      const { card } = await ask(place.confirm, {}, token());
      if (this.cancelled) return;
      this.row.remove();
      htmx.swap('#photos', card, { swapStyle: 'beforeend' });
      htmx.trigger(document.body, 'photos-changed');
      say(`${this.file.name} is here.`);
    } catch (trouble) {
      if (!this.cancelled) {
        this.tell(trouble.refused ? trouble.message : `${trouble.message} Your photo is not lost.`, trouble.refused ? 'refused' : 'failed');
      }
      this.forget();
    }
  }

  forget() { // what has been begun and does not come
    if (this.remove) fetch(this.remove, { method: 'POST', headers: { 'X-CSRFToken': token(), 'HX-Request': 'true' } }).catch(() => {});
    this.remove = null;
  }

  cancel() {
    this.cancelled = true;
    this.stopping?.abort();
    const at = waiting.indexOf(this);
    if (at >= 0) waiting.splice(at, 1);
    this.forget();
    this.row.remove();
    document.querySelector('#choose-photos').focus();
  }
}

function next() {
  while (running.size < AT_ONCE && waiting.length) {
    const upload = waiting.shift();
    running.add(upload);
    upload.run().finally(() => { running.delete(upload); next(); });
  }
}

function take(files) {
  let number = here() + running.size + waiting.length;
  for (const file of files) {
    const upload = new Upload(file);
    list.append(upload.row);
    const problem = problemOf(file, number + 1);
    if (problem) upload.tell(problem, 'refused');
    else { number += 1; upload.queue(); }
  }
}

document.querySelectorAll('#choose-photos, #take-photo').forEach((field) => field.addEventListener('change', () => {
  take([...field.files]);
  field.value = '';
}));
addEventListener('beforeunload', (event) => { if (running.size || waiting.length) event.preventDefault(); });

// Dropping files; beside the place itself nothing happens, instead of the browser leaving the page.

const drop = adding.querySelector('.drop');
const carriesFiles = (event) => [...event.dataTransfer?.types ?? []].includes('Files');
document.addEventListener('dragover', (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  const inside = drop.contains(event.target);
  event.dataTransfer.dropEffect = inside ? 'copy' : 'none';
  drop.classList.toggle('drop-over', inside);
});
document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) drop.classList.remove('drop-over'); });
document.addEventListener('drop', (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  drop.classList.remove('drop-over');
  if (drop.contains(event.target)) take([...event.dataTransfer.files]);
});

// Dragging the name of a side onto a photo: the same as choosing it below the photo.

const SIDE = 'application/x-plinth-side';
const cardOf = (event) => ([...event.dataTransfer?.types ?? []].includes(SIDE) ? event.target.closest?.('#photos > li') : null);
document.addEventListener('dragstart', (event) => {
  const chip = event.target.closest?.('.chip[data-view]');
  if (chip) event.dataTransfer.setData(SIDE, chip.dataset.view);
});
document.addEventListener('dragover', (event) => {
  document.querySelector('.photo-over')?.classList.remove('photo-over');
  const card = cardOf(event);
  if (!card?.querySelector('select[name=view]')) return;
  event.preventDefault();
  card.classList.add('photo-over');
});
document.addEventListener('drop', (event) => {
  document.querySelector('.photo-over')?.classList.remove('photo-over');
  const select = cardOf(event)?.querySelector('select[name=view]');
  if (!select) return;
  event.preventDefault();
  select.value = event.dataTransfer.getData(SIDE);
  select.dispatchEvent(new Event('change', { bubbles: true }));
});

// The keyboard's place when a photo is gone.

document.body.addEventListener('photos-changed', () => {
  if (document.activeElement === document.body || !document.activeElement) document.querySelector('#photos-h').focus();
});
