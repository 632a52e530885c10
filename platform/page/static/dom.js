// Small helpers to make and keep elements. Text goes in as text nodes only: nothing that a server said becomes HTML.

/** An element: h("p", {class: "x", onclick: f}, "text", child). Properties null, undefined and false are left out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Write only what changed, so that selections, focus and screen readers are left alone. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Replace the children of `element` when `key` is another than last time. */
export function redraw(element, key, make) {
  const now = JSON.stringify(key);
  if (element.dataset.drawn === now) return;
  element.dataset.drawn = now;
  element.replaceChildren(...[make()].flat().filter(Boolean));
}

/** One child per item, kept by key: made once, updated each time, in the order of the items. */
export function keyed(parent, items, key, make, update) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, i) => {
    const id = String(key(item));
    let child = old.get(id);
    old.delete(id);
    if (!child) {
      child = make(item);
      child.dataset.key = id;
    }
    if (parent.children[i] !== child) parent.insertBefore(child, parent.children[i] ?? null);
    update(child, item);
  });
  for (const gone of old.values()) gone.remove();
}

/** A badge with a tone: good, busy, warn, bad or idle. */
export function badge(text, tone) {
  return h("span", { class: "badge", "data-tone": tone }, text);
}

/** Copy `text()` when pressed and say so for a moment. */
export function copyButton(text, label) {
  const button = h("button", { type: "button", class: "copy", "aria-label": label }, "Copy");
  button.addEventListener("click", async () => {
    button.textContent = (await copied(text())) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  return button;
}

async function copied(text) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).then(() => true, () => false);
  }
  // Without https there is no clipboard object; a selected text area still copies.
  const area = h("textarea", { class: "offscreen", readonly: true });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
