// The sample shop's own script: its cart, and what it does with the viewer.
const viewer = document.querySelector('plinth-viewer');
const cart = document.getElementById('cart');
const read = () => Number(sessionStorage.getItem('cart') ?? 0);

function add() {
  sessionStorage.setItem('cart', read() + 1);
  cart.textContent = read();
  viewer?.addedToCart?.();
}

cart.textContent = read();
document.getElementById('add').addEventListener('click', add);
viewer?.addEventListener('plinth:ar-tap', add);

const events = document.getElementById('events');
for (const name of ['load', 'ar-start', 'ar-tap', 'error']) {
  viewer?.addEventListener(`plinth:${name}`, ({ type, detail }) => {
    events.querySelector('.soft')?.remove();
    const line = document.createElement('li');
    const code = document.createElement('code');
    code.textContent = `${type} ${JSON.stringify(detail)}`;
    line.append(code);
    events.append(line);
  });
}

for (const button of document.querySelectorAll('[data-copy]')) {
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = 'Copied';
  });
}
