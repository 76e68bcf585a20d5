// Shows a model: by the browser itself where it has <model> (Safari 27 and later), else by model-viewer. Comes on demand.

export async function show(request) {
  const usdz = request.manifest.files['model.usdz'];
  if (usdz && typeof HTMLModelElement !== 'undefined') {
    try { return await showNatively(request, usdz.url); } catch { /* a page of ours can always draw it itself */ }
  }
  return showInModelViewer(request);
}

async function showNatively({ place, alt, touched }, source) {
  const model = document.createElement('model');
  for (const [name, value] of Object.entries({ src: source, stagemode: 'orbit', tabindex: '0', role: 'img', 'aria-label': alt }))
    model.setAttribute(name, value);
  model.addEventListener('pointerdown', touched);
  place.append(model);
  try { await model.ready; } catch (error) { model.remove(); throw error; }
  return { renderer: 'model', remove: () => model.remove(), focus: () => model.focus() };
}

async function showInModelViewer({ place, manifest, files, home, words, alt, xr, wall, tell, touched }) {
  const packed = mayCompile() && manifest.files['model.web.glb'];
  const { url } = packed || manifest.files['model.glb'];
  await library(files, home, !!packed);
  const viewer = document.createElement('model-viewer');
  allowStyles(viewer.shadowRoot);
  // Hidden from screen readers until AR runs, it must not be in the order of the Tab key either.
  viewer.shadowRoot.querySelector('#default-exit-webxr-ar-button')?.removeAttribute('tabindex');
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const settings = {
    alt, 'camera-controls': '',
    ...(xr && { ar: '', 'ar-modes': 'webxr', 'ar-scale': 'fixed', 'ar-placement': wall ? 'wall' : 'floor' }),
    'camera-orbit': '30deg 76deg 105%', // the poster's
    'environment-image': 'neutral', 'interaction-prompt': still ? 'none' : 'auto', loading: 'eager', part: 'viewer',
    'shadow-intensity': '1', 'shadow-softness': '.9', 'tone-mapping': 'neutral', 'touch-action': 'pan-y', exportparts: 'default-progress-bar',
    ...(words.controls && { a11y: JSON.stringify(words.controls) }),
  };
  for (const [name, value] of Object.entries(settings)) viewer.setAttribute(name, value);
  const noButton = document.createElement('span'); // ours is outside: it is there before the model is
  noButton.slot = 'ar-button';
  noButton.hidden = true;
  viewer.append(noButton);
  viewer.addEventListener('camera-change', ({ detail }) => detail.source === 'user-interaction' && touched());
  viewer.addEventListener('ar-status', ({ detail: { status } }) => {
    if (status === 'session-started') tell('ar-start', 'ar_start', { mode: 'webxr' });
  });
  await new Promise((loaded, failed) => {
    viewer.addEventListener('load', loaded, { once: true });
    viewer.addEventListener('error', ({ detail }) => failed(detail?.sourceError ?? new Error(detail?.type)), { once: true });
    viewer.setAttribute('src', url);
    place.append(viewer);
  }).catch((error) => { viewer.remove(); throw error; });
  await painted();
  return {
    renderer: 'model-viewer',
    remove: () => viewer.remove(),
    focus: () => viewer.shadowRoot.querySelector('.userInput')?.focus(), // the host itself takes none
    async enterAr() {
      if (navigator.userActivation && !navigator.userActivation.isActive) return false; // loading took too long: tap again
      await viewer.activateAR();
      return true;
    },
  };
}

// Everything that it may ever fetch comes from our own place, set before its first element is made.
let loading = null;
function library(files, home, packed) {
  const at = (name) => new URL(files[name], home).href;
  const places = { dracoDecoderLocation: at('draco'), ktx2TranscoderLocation: at('basis'), lottieLoaderLocation: at('none') };
  if (packed) places.meshoptDecoderLocation = at('none'); // the decoder is inside; model-viewer waits for a script all the same
  const known = customElements.get('model-viewer'); // the shop's own copy
  if (known) {
    if (packed) known.meshoptDecoderLocation ??= places.meshoptDecoderLocation;
    return known;
  }
  self.ModelViewerElement = { ...places, ...self.ModelViewerElement };
  return loading ??= import(at('viewer')).catch((error) => { loading = null; throw error; });
}

// Whether the page's policy allows WebAssembly ('wasm-unsafe-eval'), which unpacks the smaller file; without it the plain one is used.
function mayCompile() {
  try { return !!new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)); } catch { return false; }
}

// Style elements are not allowed under a strict policy; the same rules as adopted sheets are. They must go before the element is
// in the page, or browsers complain.
function allowStyles(root) {
  const sheets = [...root.querySelectorAll('style')].map((style) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style.textContent);
    style.remove();
    return sheet;
  });
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, ...sheets];
}

// Loaded is not painted yet: two frames later it is. Hidden tabs have no frames.
const painted = () => new Promise((done) => {
  setTimeout(done, 500);
  requestAnimationFrame(() => requestAnimationFrame(done));
});
