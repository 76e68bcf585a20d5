// What every page of the dashboard can do, by attributes:
//   data-copy="text" or data-copy-from="#id"   a button that copies
//   data-opens="id"                            a button that opens <dialog id>; inside, data-closes closes it
//   data-poll                                  beside hx-trigger="every …": asks nothing while the page is hidden
//   data-submits                               a select or checkbox that sends its form when it changes
//   data-once                                  a form that is sent once, however often its button is pressed
//   data-tick-all="name"                       see below

const announce = (text) => {
  const place = document.querySelector('#said');
  if (place) place.textContent = text;
};

async function copy(button) {
  const source = document.querySelector(button.dataset.copyFrom || null);
  const text = button.dataset.copy ?? source?.value ?? source?.textContent.trim() ?? '';
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
    announce('Copied');
  } catch { // no permission, or no secure context: let people copy it themselves
    const range = document.createRange();
    if (source?.select) source.select();
    else if (source) { range.selectNodeContents(source); getSelection().removeAllRanges(); getSelection().addRange(range); }
    button.textContent = 'Press Ctrl+C';
    announce('Selected: press Control and C to copy');
  }
  setTimeout(() => { button.textContent = label; }, 2500);
}

document.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (!button) return;
  if (button.matches('[data-copy], [data-copy-from]')) copy(button);
  if (button.dataset.opens) document.getElementById(button.dataset.opens)?.showModal();
  if (button.matches('[data-closes]')) button.closest('dialog')?.close();
});

document.addEventListener('change', (event) => {
  if (event.target.matches('[data-submits]')) event.target.form.requestSubmit();
});

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!form.matches('[data-once]')) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = 'yes';
  event.submitter?.setAttribute('aria-disabled', 'true');
});

addEventListener('pageshow', () => document.querySelectorAll('form[data-sent]').forEach((form) => {
  delete form.dataset.sent;
  form.querySelectorAll('[aria-disabled]').forEach((button) => button.removeAttribute('aria-disabled'));
}));

document.addEventListener('htmx:beforeRequest', (event) => {
  if (document.hidden && event.detail.elt.matches('[data-poll]')) event.preventDefault();
});

// data-tick-all="name" ticks every checkbox of that name in its form; [data-ticked] there says how many are ticked.
document.addEventListener('change', (event) => {
  const form = event.target.form;
  const all = form?.querySelector('[data-tick-all]');
  if (!all || event.target.type !== 'checkbox') return;
  const boxes = [...form.elements].filter((box) => box.name === all.dataset.tickAll);
  if (event.target === all) boxes.forEach((box) => { box.checked = all.checked; });
  const ticked = boxes.filter((box) => box.checked).length;
  all.checked = ticked === boxes.length;
  all.indeterminate = ticked > 0 && ticked < boxes.length;
  const count = form.querySelector('[data-ticked]');
  if (count) count.textContent = ticked ? `${ticked} ticked:` : 'With the ticked ones:';
  form.toggleAttribute('data-any', ticked > 0);
});
