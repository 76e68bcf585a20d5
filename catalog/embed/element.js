// <plinth-viewer>: the product's picture at once, its model when somebody wants it. docs/embed.md says how to use it.
// The server puts the addresses and the words in. Whatever shows models is in live.js and comes later.
const FILES = /* FILES */ {};
const WORDS = /* WORDS */ {};
const HOME = new URL(import.meta.url).origin;
// What AR Quick Look tells the link that opened it.
const TAPPED = '_apple_ar_quicklook_button_tapped';

// Unlike a style element it is allowed under any Content-Security-Policy.
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host { display: block; position: relative; aspect-ratio: var(--plinth-aspect-ratio, 1); overflow: hidden;
  background: var(--plinth-background, transparent); font: var(--plinth-font, 500 .875rem/1.3 system-ui, sans-serif) }
:host([hidden]), [hidden] { display: none !important }
.stage, .live, .live > *, img, ::slotted(img), ::slotted(picture) { position: absolute; inset: 0; width: 100%; height: 100%;
  object-fit: contain }
.live > * { background: transparent; --poster-color: transparent; --progress-bar-color: var(--plinth-accent, #222) }
.on > .picture { visibility: hidden }
.stage:not(.on) > .live { opacity: 0; pointer-events: none }
.bar { position: absolute; inset: 0; display: flex; flex-wrap: wrap; place-content: end center; gap: .5em; padding: .75em;
  pointer-events: none }
.bar > * { pointer-events: auto }
button { min-height: 44px; padding: 0 1.1em; border: 1px solid #0003; border-radius: var(--plinth-radius, 22px);
  background: var(--plinth-button, #fffffff2); color: var(--plinth-ink, #1a1a1a); font: inherit; cursor: pointer }
button:focus-visible { outline: 3px solid var(--plinth-accent, #1a5fd0); outline-offset: 2px }
[part=open] { transition: transform .15s }
[part=open]:hover { transform: scale(1.03) }
[part=status] { margin: 0; align-self: center; padding: .5em .9em; border-radius: var(--plinth-radius, 22px); background: #fffffff2;
  color: #1a1a1a }
[part=status]:empty { padding: 0 }
.unseen { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden }
@media (prefers-reduced-motion: reduce) { * { transition: none !important } }`);

const make = (name, properties, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};
const told = (viewer, name) => viewer.getAttribute(name) || '';
const encode = (values) => Object.entries(values).filter(([, value]) => value !== '')
  .map((pair) => pair.map(encodeURIComponent).join('=')).join('&');

const near = new IntersectionObserver((found) => found.forEach(({ isIntersecting, target }) => {
  if (isIntersecting) target.approach();
}), { rootMargin: '50% 0px' });
// Of what is taller than the window no half ever shows: then half of the window will do.
const seen = new IntersectionObserver((found) => found.forEach((
  { intersectionRatio, intersectionRect: { width, height }, boundingClientRect, target }) => {
  if (intersectionRatio >= .5 || (2 * height >= Math.min(innerHeight, screen.height) && 2 * width >= boundingClientRect.width))
    target.meet();
}), { threshold: [...Array(101).keys()].map((step) => step / 100) });

// The one viewer whose model is open: several at a time make iPhones reload the page.
let shown = null;

class PlinthViewer extends HTMLElement {
  static observedAttributes = ['product', 'shop', 'sku', 'poster', 'alt', 'lang'];
  #root = this.attachShadow({ mode: 'open' });
  #picture = make('img', { part: 'poster', className: 'picture', hidden: true, alt: '', decoding: 'async' });
  #slot = make('slot', { className: 'picture' });
  #live = make('div', { className: 'live' });
  #open = make('button', { part: 'open', type: 'button', hidden: true, onclick: () => this.open() });
  #ar = make('button', { part: 'ar-button', type: 'button' });
  #arSlot = make('slot', { name: 'ar', hidden: true, onclick: (event) => { event.preventDefault(); this.enterAr(); } }, this.#ar);
  #status = make('p', { part: 'status', role: 'status' });
  #link = make('a', { hidden: true, tabIndex: -1, ariaHidden: 'true' }, make('img', { alt: '' }));
  #stage = make('div', { className: 'stage', part: 'stage' }, this.#slot, this.#picture, this.#live,
    make('div', { className: 'bar' }, this.#status, this.#open, this.#arSlot));
  #counted = new Set();
  #words = WORDS;
  // Counts closings: a model that was closed before it came must not show up.
  #turn = 0;
  #reading; #manifest; #opening; #model; #mode; #gone; #met;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [sheet];
    this.#root.append(this.#stage, this.#link);
    this.#link.addEventListener('message', ({ data }) => data === TAPPED && this.#tell('ar-tap', 'ar_tap', { mode: 'quick-look' }));
    for (const wish of ['pointerenter', 'focus']) this.#open.addEventListener(wish, () => this.#code().catch(() => {}));
  }

  connectedCallback() { near.observe(this); seen.observe(this); this.#draw(); }

  disconnectedCallback() { near.unobserve(this); seen.unobserve(this); this.close(); }

  attributeChangedCallback(name, before, now) {
    if (before === now || !this.isConnected) return;
    if (this.#gone && name !== 'alt') this.hidden = this.#gone = false;
    if (!['poster', 'alt'].includes(name)) {
      this.close();
      this.#reading = this.#manifest = this.#met = null;
      this.#counted.clear();
      // Asks again whether it is near, and seen.
      for (const observer of [near, seen]) { observer.unobserve(this); observer.observe(this); }
    }
    this.#draw();
  }

  // It comes into view, or soon will: ask what is published.
  approach() {
    this.#reading ??= this.#read();
    if (told(this, 'load') === 'approach' && !navigator.connection?.saveData && (!shown || this.#keeps()))
      this.#reading.then(() => this.#manifest && this.open());
  }

  // Half of it is in view, or it fills half of the window: a shopper sees it.
  meet() {
    this.#met = true;
    this.#count('view');
  }

  // Show the model; what was open elsewhere on the page becomes a picture again.
  async open() {
    await (this.#reading ??= this.#read());
    if (!this.#manifest) return;
    this.#opening ??= this.#show(this.#manifest);
    this.#draw();
    return this.#opening;
  }

  // Back to the picture.
  close() {
    if (shown === this) shown = null;
    this.#turn++;
    this.#model?.remove();
    this.#status.textContent = '';
    this.#opening = this.#model = null;
    this.#stage.classList.remove('on');
    this.#draw();
  }

  // Into the shopper's room, by whatever this device has for it.
  async enterAr() {
    if (!this.#mode) return;
    if (this.#mode !== 'webxr') return this.#follow();
    await this.open();
    if (this.#model && await this.#model.enterAr?.() === false) this.#say('again');
  }

  // The shop calls it when somebody puts the product in the cart.
  addedToCart() { this.#count('add_to_cart', true); }

  get manifest() { return this.#manifest; }

  async #read() {
    const [product, shop, sku] = ['product', 'shop', 'sku'].map((name) => encodeURIComponent(told(this, name)));
    const asked = this.closest('[lang]')?.lang || navigator.language;
    const words = FILES.words[asked.toLowerCase()] || FILES.words[asked.slice(0, 2).toLowerCase()];
    try {
      const [answer, found] = await Promise.all([
        fetch(`${HOME}/s/${product || `${shop}/${sku}`}.json?absent=204`, { credentials: 'omit' }),
        words ? fetch(new URL(words, HOME), { credentials: 'omit' }).then((file) => file.json()).catch(() => WORDS) : WORDS,
      ]);
      this.#words = { ...WORDS, ...found };
      if (answer.status === 204) {
        this.#leave();
        return this.#fail('not_published');
      }
      if (!answer.ok) throw answer.status;
      this.#manifest = await answer.json();
    } catch {
      this.#reading = null;
      return this.#fail('away');
    }
    // Browsers may tell that it is seen before they tell that it is near.
    if (this.#met) this.#count('view');
    this.#mode = await this.#arMode();
    this.#draw();
  }

  // Nothing is published: without a picture of the shop's own, one that loads, there is nothing to hold a place for.
  async #leave() {
    const own = this.querySelector(':scope > :not([slot])'), image = own?.closest('img') ?? own?.querySelector('img');
    const turn = this.#turn;
    if (told(this, 'poster') || (own && !image) || await image?.decode().then(() => true, () => false)) return;
    if (turn === this.#turn) this.hidden = this.#gone = true;
  }

  #draw() {
    const { title = '', alt_text, poster } = this.#manifest ?? {}, own = this.querySelector(':scope > img, :scope > picture');
    const source = told(this, 'poster') || (!own && poster) || '';
    this.#picture.hidden = !source;
    this.#slot.hidden = !!told(this, 'poster');
    this.#picture.alt = told(this, 'alt') || alt_text || title;
    if (source && this.#picture.getAttribute('src') !== source) this.#picture.src = source;
    this.#open.hidden = !this.#manifest || !!this.#model;
    this.#arSlot.hidden = !this.#mode;
    for (const [button, word] of [[this.#open, this.#opening ? 'loading' : 'open'], [this.#ar, 'ar']]) {
      button.textContent = this.#words[word];
      button.ariaLabel = `${this.#words[word]}: ${title}`;
    }
  }

  async #show(manifest) {
    if (!this.#keeps()) {
      if (shown !== this) shown?.close();
      shown = this;
    }
    const turn = this.#turn;
    this.#say('loading', true);
    try {
      const { show } = await this.#code();
      if (turn !== this.#turn) return;
      const model = await show({
        place: this.#live, manifest, files: FILES, home: HOME, words: this.#words,
        alt: told(this, 'alt') || manifest.alt_text || manifest.title, xr: this.#mode === 'webxr', wall: told(this, 'ar-placement') === 'wall',
        tell: (name, happening, detail) => this.#tell(name, happening, detail), touched: () => this.#count('interact'),
      });
      if (turn !== this.#turn) return model.remove();
      this.#model = model;
      this.#stage.classList.add('on');
      const focused = this.#root.activeElement === this.#open;
      this.#draw();
      this.#say('loaded', true);
      if (focused) model.focus();
      this.#tell('load', 'load', { renderer: model.renderer, dimensions: manifest.dimensions });
    } catch (error) {
      if (turn !== this.#turn) return;
      this.close();
      this.#fail('model', error);
    }
  }

  #keeps() { return this.hasAttribute('keep-open'); }

  #code() { return import(new URL(FILES.live, HOME)); }

  async #arMode() {
    const { 'model.usdz': usdz, 'model.glb': glb } = this.#manifest.files, agent = navigator.userAgent;
    const can = {
      'quick-look': () => usdz && (this.#link.relList.supports?.('ar') || /iP(ad|hone|od).*(CriOS|EdgiOS|FxiOS|DuckDuckGo)\//.test(agent)),
      'scene-viewer': () => glb?.url.startsWith('https:') && /android/i.test(agent) && !/firefox|oculus/i.test(agent),
      // In a frame that may not, asking alone would be a complaint.
      webxr: () => document.featurePolicy?.allowsFeature('xr-spatial-tracking') !== false
        && navigator.xr?.isSessionSupported('immersive-ar').catch(() => false),
    };
    for (const mode of (told(this, 'ar-modes') || 'quick-look scene-viewer webxr').split(/\s+/))
      if (await can[mode]?.()) return mode;
  }

  #follow() {
    const { title, files, poster } = this.#manifest, page = told(this, 'canonical-url') || location.href.split('#')[0];
    if (this.#mode === 'quick-look') {
      const call = told(this, 'call-to-action');
      this.#link.rel = 'ar';
      this.#link.firstChild.src = poster ?? '';
      this.#link.href = `${files['model.usdz'].url}#${encode({
        allowsContentScaling: 0, canonicalWebPageURL: page, callToAction: call,
        checkoutTitle: told(this, 'checkout-title') || (call && title),
        checkoutSubtitle: told(this, 'checkout-subtitle'), price: told(this, 'price'),
      })}`;
    } else {
      const here = location.href.split('#')[0], failed = '#plinth-no-ar';
      this.#link.href = `intent://arvr.google.com/scene-viewer/1.2?${encode({
        file: files['model.glb'].url, mode: 'ar_preferred', resizable: false, disable_occlusion: true, title, link: page,
        enable_vertical_placement: told(this, 'ar-placement') === 'wall' || '',
      })}#Intent;scheme=https;package=com.google.android.googlequicksearchbox;action=android.intent.action.VIEW;S.browser_fallback_url=${
        encodeURIComponent(here + failed)};end;`;
      addEventListener('hashchange', () => {
        if (location.hash !== failed) return;
        history.back();
        this.#mode = null;
        this.#fail('ar');
      }, { once: true });
    }
    this.#link.click();
    this.#tell('ar-start', 'ar_start', { mode: this.#mode });
  }

  #say(word, unseen = false) {
    this.#status.textContent = this.#words[word];
    this.#status.classList.toggle('unseen', unseen);
  }

  #fail(code, cause) {
    this.#status.textContent = '';
    if (this.#words[`${code}_failed`]) this.#say(`${code}_failed`);
    this.#draw();
    this.#tell('error', '', { code, cause });
  }

  #tell(name, happening, detail) {
    if (happening) this.#count(happening, happening !== 'load');
    const { id = told(this, 'product'), sku = told(this, 'sku'), version } = this.#manifest ?? {};
    this.dispatchEvent(new CustomEvent(`plinth:${name}`, {
      bubbles: true, composed: true, detail: { product: id, sku, version: version?.id ?? null, ...detail },
    }));
  }

  // Nothing about anybody: the version and what happened to it. Not more than once for this picture unless `again`.
  #count(happening, again = false) {
    const { doNotTrack, globalPrivacyControl } = navigator;
    if (!this.#manifest || (this.#counted.has(happening) && !again)) return;
    this.#counted.add(happening);
    if (doNotTrack === '1' || globalPrivacyControl || told(this, 'analytics') === 'off') return;
    navigator.sendBeacon?.(`${HOME}/t`, JSON.stringify({ version: this.#manifest.version.id, happening }));
  }
}

customElements.get('plinth-viewer') || customElements.define('plinth-viewer', PlinthViewer);
