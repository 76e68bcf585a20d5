// The unit switch converts what the fields say, and what is typed is not left behind by mistake.

const lengths = new WeakMap(); // field -> { text, metres }: what it said when it was written by us

const number = (text) => (/^\s*(\d+(?:[.,]\d+)?|[.,]\d+)\s*$/.test(text) ? Number(text.replace(',', '.')) : NaN);
const write = (metres, unit) => String(Number((metres / Number(unit.dataset.metres)).toFixed(Number(unit.dataset.places))));

let unit = null;
function start() {
  const select = document.querySelector('#facts [data-unit]');
  unit = select?.selectedOptions[0];
  document.querySelectorAll('#facts [data-length]').forEach((field) => {
    lengths.set(field, { text: field.value, metres: number(field.value) * Number(unit.dataset.metres) });
  });
}

document.addEventListener('change', (event) => {
  if (!event.target.matches('#facts [data-unit]')) return;
  const next = event.target.selectedOptions[0];
  document.querySelectorAll('#facts [data-length]').forEach((field) => {
    const known = lengths.get(field);
    const same = known && known.text === field.value;
    const metres = same ? known.metres : number(field.value) * Number(unit.dataset.metres);
    if (Number.isFinite(metres)) field.value = write(metres, next);
    lengths.set(field, { text: field.value, metres });
  });
  unit = next;
});

let typed = false;
document.addEventListener('input', (event) => {
  const form = event.target.closest('#facts');
  if (!form) return;
  typed = true;
  const words = form.querySelector('.unsaved');
  if (words) words.hidden = false;
  form.querySelector('.notice-success')?.remove();
});
document.body.addEventListener('facts-saved', () => { typed = false; });
document.addEventListener('htmx:afterSettle', (event) => {
  if (!event.target.matches?.('#facts, #facts *')) return;
  start();
  document.querySelector('#facts [data-focus], #facts [aria-invalid]')?.focus();
});
addEventListener('beforeunload', (event) => { if (typed) event.preventDefault(); });
document.addEventListener('submit', (event) => { if (event.target.closest('dialog, .who')) typed = false; });
start();
