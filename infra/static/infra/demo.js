// While assets are being made, fetch the page again and show what has changed.
const products = document.getElementById("products");

async function look() {
  try {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("products");
    if (!next) return location.reload(); // logged out
    next.querySelectorAll("article").forEach((article, at) => {
      const shown = products.querySelectorAll("article")[at];
      if (!shown) products.append(article);
      else if (shown.textContent !== article.textContent) shown.replaceWith(article); // links' signatures always differ
    });
    products.toggleAttribute("data-busy", next.hasAttribute("data-busy"));
  } catch {
    // the server is away for a moment: ask again
  }
  setTimeout(look, products.hasAttribute("data-busy") ? 1500 : 10000);
}

setTimeout(look, 1500);
