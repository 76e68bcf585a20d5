// A model on its way: asked for a place, sent straight to the store, confirmed, and on to where its making is watched.

const form = document.querySelector('form[data-upload]');
const TRY_AGAIN = 'We could not be reached: check your connection, then try again.';
let request = null;

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

async function ask(address, fields) {
  const token = form.querySelector('[name=csrfmiddlewaretoken]').value;
  let answer;
  try {
    answer = await fetch(address, { method: 'POST', body: new URLSearchParams(fields), headers: { 'X-CSRFToken': token } });
  } catch {
    throw new Error(TRY_AGAIN);
  }
  if (answer.redirected) throw new Error('You have been signed out: reload the page and sign in.');
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.message ?? 'Something went wrong on our side; try again.');
  return told;
}

function send({ url, fields }, file) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  body.append('file', file);
  const bar = form.querySelector('progress');
  return new Promise((done, fail) => {
    request = new XMLHttpRequest();
    request.upload.addEventListener('progress', ({ loaded, total }) => {
      bar.value = 100 * loaded / total;
      bar.textContent = `${megabytes(loaded)} of ${megabytes(total)}`;
    });
    request.addEventListener('load', () => (request.status < 300 ? done() : fail(new Error('The store did not take the file: try again.'))));
    request.addEventListener('error', () => fail(new Error('The connection broke: try again.')));
    request.addEventListener('abort', () => fail(new Error('Stopped. Nothing was kept.')));
    request.open('POST', url);
    request.send(body);
  });
}

function show(sending, trouble = '') {
  form.querySelector('[data-sending]').hidden = !sending;
  form.querySelector('[data-stop]').hidden = !sending;
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
  try {
    const refused = await refusal(file);
    if (refused) throw new Error(refused);
    words.textContent = `Sending ${file.name}, ${megabytes(file.size)}`;
    show(true);
    const place = await ask(form.dataset.upload, { name: file.name });
    await send(place, file);
    words.textContent = 'It has arrived. One moment…';
    const { making } = await ask(place.confirm, {});
    location.assign(making);
  } catch (trouble) {
    show(false, trouble.message);
    form.querySelector('#model-file').focus();
  }
});

form?.querySelector('[data-stop]').addEventListener('click', () => request?.abort());
