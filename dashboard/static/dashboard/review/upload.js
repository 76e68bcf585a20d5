// A model on its way: asked for a place, sent straight to the store, confirmed, and on to where its making is watched.

import { ask, megabytes, send } from '../sending.js';

const form = document.querySelector('form[data-upload]');
let stopping = null;

function show(sending, trouble = '') {
  form.querySelector('[data-sending]').hidden = !sending;
  const stop = form.querySelector('[data-stop]');
  stop.hidden = !sending;
  if (sending) stop.focus(); // the button that had it is disabled below
  form.querySelector('.button').disabled = sending;
  const field = form.querySelector('#model-file');
  field.disabled = sending;
  form.querySelector('#model-error').textContent = trouble;
  if (trouble) field.setAttribute('aria-invalid', 'true');
  else field.removeAttribute('aria-invalid');
}

// What can be told before anything is sent; the worker looks closer.
async function refusal(file) {
  if (file.size > Number(form.dataset.most)) return `The file has ${megabytes(file.size)}; ${megabytes(Number(form.dataset.most))} is the most.`;
  const head = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  if (String.fromCharCode(...head) !== 'glTF') return 'That is no GLB file. Export the model as “glTF binary (.glb)” from your 3D program.';
  return '';
}

form?.addEventListener('submit', async (event) => {
  event.preventDefault();
  const [file] = form.querySelector('#model-file').files;
  const words = form.querySelector('#sending');
  const bar = form.querySelector('progress');
  const token = form.querySelector('[name=csrfmiddlewaretoken]').value;
  try {
    const refused = await refusal(file);
    if (refused) throw new Error(refused);
    words.textContent = `Sending ${file.name}, ${megabytes(file.size)}`;
    bar.value = 0;
    stopping = new AbortController();
    show(true);
    const place = await ask(form.dataset.upload, { name: file.name }, token);
    await send(place, file, { signal: stopping.signal, tell: (percent, far) => {
      bar.value = percent;
      bar.textContent = far;
    } });
    words.textContent = 'It has arrived. One moment…';
    const { making } = await ask(place.confirm, {}, token);
    location.assign(making);
  } catch (trouble) {
    show(false, trouble.message);
    form.querySelector('#model-file').focus();
  }
});

form?.querySelector('[data-stop]').addEventListener('click', () => stopping?.abort());
