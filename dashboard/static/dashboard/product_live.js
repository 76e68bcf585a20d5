// How far the model is: [data-live] is followed as a stream of server-sent events while the page is seen. Where the
// stream does not come through, the part's own hx-trigger goes on asking for it.

let source = null;
let open = false;
let alive = false;

const model = () => document.querySelector('#model');
const say = (text) => { const place = document.querySelector('#said'); if (place) place.textContent = text; };

function hush() {
  source?.close();
  source = null;
  open = false;
}

function follow() {
  const address = model()?.dataset.live;
  if (source && (!address || document.hidden || new URL(address, location).href !== source.url)) hush();
  if (source || !address || document.hidden || !('EventSource' in window)) return;
  source = new EventSource(address);
  source.addEventListener('open', () => { open = true; });
  source.addEventListener('error', () => { open = false; });  // polling goes on until it is back
  source.addEventListener('panel', (event) => {
    const { html } = JSON.parse(event.data);
    htmx.swap('#model', html, { swapStyle: 'outerHTML' });
  });
  source.addEventListener('progress', (event) => show(JSON.parse(event.data)));
  source.addEventListener('gone', hush);
}

function show({ progress, place, left }) {
  const bar = model()?.querySelector('progress');
  if (bar) bar.value = progress;
  model()?.querySelectorAll('[data-left]').forEach((words) => {
    words.hidden = !left;
    words.textContent = document.querySelector('#model [data-place]') ? `Ready in about ${left}` : `About ${left} left`;
  });
  const number = model()?.querySelector('[data-place]');
  if (number && place) number.textContent = place;
}

let stage = '';
function look() {
  const part = model();
  if (!part) return;
  const lives = Boolean(part.dataset.live);
  if (lives && part.dataset.stage !== stage) { stage = part.dataset.stage; say(stage); }
  if (alive && !lives) {
    say(part.innerText.trim().split('\n')[0]);
    htmx.trigger(document.body, 'model-ended');
  }
  alive = lives;
  follow();
}

new MutationObserver(look).observe(document.querySelector('#model').parentElement, { childList: true });
document.addEventListener('visibilitychange', follow);
addEventListener('pagehide', hush);
addEventListener('pageshow', follow);
document.addEventListener('htmx:beforeRequest', (event) => {
  const polls = event.detail.elt === model() && event.detail.requestConfig.verb === 'get';
  const idle = event.detail.elt.id === 'photos-watch' && !document.querySelector('#photos [name=waiting]');
  if ((polls && open) || idle) event.preventDefault();
});
document.body.addEventListener('model-started', () => {
  model()?.focus({ preventScroll: true });
  document.querySelector('#model-h')?.scrollIntoView({ block: 'start' });
});
alive = Boolean(model().dataset.live);
stage = model().dataset.stage ?? '';
follow();

// A picture that the browser cannot show, or that is gone from the store.

function unshown(image) {
  image.closest('.marked').hidden = true;
  image.closest('.photo-frame').querySelector('.no-picture').hidden = false;
}
document.addEventListener('error', (event) => { if (event.target.matches?.('.marked img')) unshown(event.target); }, true);
document.querySelectorAll('.marked img').forEach((image) => { if (image.complete && !image.naturalWidth) unshown(image); });
