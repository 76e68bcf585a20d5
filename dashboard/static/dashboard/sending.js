// A file on its way from a page straight to the shop's store: asked for a place, sent, and told how far it is.

export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

// What our service answers; what it refuses has `refused`, anything else can be tried again.
export async function ask(address, fields, token) {
  let answer;
  try {
    answer = await fetch(address, { method: 'POST', body: new URLSearchParams(fields), headers: { 'X-CSRFToken': token } });
  } catch {
    throw new Error('We could not be reached: check your connection, then try again.');
  }
  if (answer.redirected) throw new Error('You have been signed out: reload the page and sign in.');
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(told.message ?? 'Something went wrong on our side; try again.'), { refused: answer.status === 422 });
  return told;
}

// Send `file` by the store's own form, until `signal` says stop; `tell(percent, words)` hears how far it is.
export function send({ url, fields }, file, { signal, tell }) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  body.append('file', file);
  return new Promise((done, fail) => {
    const stopped = () => fail(new Error('Stopped. Nothing was kept.'));
    if (signal.aborted) { stopped(); return; }
    const request = new XMLHttpRequest();
    signal.addEventListener('abort', () => request.abort());
    request.upload.addEventListener('progress', ({ lengthComputable, loaded, total }) => {
      if (lengthComputable) tell(100 * loaded / total, `${megabytes(loaded)} of ${megabytes(total)}`);
    });
    request.addEventListener('load', () => (request.status < 300 ? done() : fail(new Error('The store did not take the file: try again.'))));
    request.addEventListener('error', () => fail(new Error('The connection broke: try again.')));
    request.addEventListener('abort', stopped);
    request.open('POST', url);
    request.send(body);
  });
}
